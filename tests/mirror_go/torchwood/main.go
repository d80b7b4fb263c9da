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

func read(ctx context.Context, vkey, url string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	fetcher, err := torchwood.NewTileFetcher(url)
	if err != nil {
		return err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(verifier))
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	hash, entries := sha256.New(), int64(0)
	for _, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		hash.Write(entry)
		entries++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if entries != checkpoint.N {
		return fmt.Errorf("%d entries of %d", entries, checkpoint.N)
	}
	fmt.Printf("verified %d %x\n", entries, hash.Sum(nil))
	return nil
}

func cosigned(ctx context.Context, vkey, url, cosigner, file string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	mirror, err := torchwood.NewCosignatureVerifier(cosigner)
	if err != nil {
		return err
	}
	fetcher, err := torchwood.NewTileFetcher(url)
	if err != nil {
		return err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	// All three must agree: the origin, the log's key, and the cosigner's.
	policy := torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(origin),
		torchwood.SingleVerifierPolicy(verifier), torchwood.SingleVerifierPolicy(mirror))
	checkpoint, opened, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	for _, signature := range opened.Sigs {
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
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(record), proof); err != nil {
		return err
	}
	fmt.Printf("cosigned %d\n", checkpoint.N)
	return nil
}
