// Torchwood reads a whole log in the form of C2SP tlog-tiles with the client of filippo.io/torchwood, which proves every entry.
//
// Usage:
//
//	torchwood VKEY URL
//
// It prints "verified N HASH": how many entries, and the SHA-256 of all of them one after the other.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// The first line of every head of a checksum database; its key has another name.
const origin = "go.sum database tree"

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: torchwood VKEY URL")
	}
	if err := read(context.Background(), os.Args[1], os.Args[2]); err != nil {
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
