// Torchwood reads a whole log in the form of C2SP tlog-tiles with the client of filippo.io/torchwood, which proves every entry.
//
// Usage:
//
//	torchwood VKEY URL
//	torchwood VKEY URL COSIGNER PROOF
//
// It prints "verified N HASH": how many entries, and the SHA-256 of all of them one after the other. With COSIGNER, the verifier key of
// a cosigner, it checks that the checkpoint and the tlog-proof in the file PROOF are cosigned, and prints "cosigned N".
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The first line of every head of a checksum database; its key has another name.
const origin = "go.sum database tree"

func main() {
	log.SetFlags(0)
	var err error
	switch len(os.Args) {
	case 3:
		err = read(context.Background(), os.Args[1], os.Args[2])
	case 5:
		err = cosigned(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	default:
		log.Fatal("usage: torchwood VKEY URL [COSIGNER PROOF]")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// opened is a log whose checkpoint is verified.
type opened struct {
	fetcher    *torchwood.TileFetcher
	policy     torchwood.Policy
	checkpoint torchwood.Checkpoint
	note       *note.Note
}

// open reads the checkpoint. All must agree: the origin, the log's key, and the cosigners'.
func open(ctx context.Context, vkey, url string, cosigners ...note.Verifier) (*opened, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	fetcher, err := torchwood.NewTileFetcher(url)
	if err != nil {
		return nil, err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	all := []torchwood.Policy{torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(verifier)}
	for _, cosigner := range cosigners {
		all = append(all, torchwood.SingleVerifierPolicy(cosigner))
	}
	policy := torchwood.ThresholdPolicy(len(all), all...)
	checkpoint, note, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return nil, err
	}
	return &opened{fetcher, policy, checkpoint, note}, nil
}

func read(ctx context.Context, vkey, url string) error {
	log, err := open(ctx, vkey, url)
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(log.fetcher)
	if err != nil {
		return err
	}
	hash, entries := sha256.New(), int64(0)
	for _, entry := range client.AllEntries(ctx, log.checkpoint.Tree, 0) {
		hash.Write(entry)
		entries++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if entries != log.checkpoint.N {
		return fmt.Errorf("%d entries of %d", entries, log.checkpoint.N)
	}
	fmt.Printf("verified %d %x\n", entries, hash.Sum(nil))
	return nil
}

func cosigned(ctx context.Context, vkey, url, cosigner, file string) error {
	mirror, err := torchwood.NewCosignatureVerifier(cosigner)
	if err != nil {
		return err
	}
	log, err := open(ctx, vkey, url, mirror)
	if err != nil {
		return err
	}
	for _, signature := range log.note.Sigs {
		if signature.Hash != mirror.KeyHash() {
			continue
		}
		if _, err := torchwood.CosignatureTimestamp(signature); err != nil {
			return err
		}
	}
	proof, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	record, err := torchwood.ProofExtraData(proof)
	if err != nil {
		return err
	}
	if err := torchwood.VerifyProof(log.policy, tlog.RecordHash(record), proof); err != nil {
		return err
	}
	fmt.Printf("cosigned %d\n", log.checkpoint.N)
	return nil
}
