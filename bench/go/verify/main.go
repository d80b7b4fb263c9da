// Verify derives a full log again, as gosumcheck verify does, over golang.org/x/mod and in one goroutine: every record's leaf
// hash against hashes.0, every data tile's hash against hashes.1, and the root against the signed head.
//
// usage: verify LOGDIR VKEYFILE
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: verify LOGDIR VKEYFILE")
		os.Exit(2)
	}
	start := time.Now()
	tree, err := verify(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
	fmt.Printf("go-verify %.3f records %d root %v\n", time.Since(start).Seconds(), tree.N, tree.Hash)
}

func verify(dir, keyFile string) (tlog.Tree, error) {
	var none tlog.Tree
	tree, err := head(dir, keyFile)
	if err != nil {
		return none, err
	}
	offsets, err := os.ReadFile(filepath.Join(dir, "offsets"))
	if err != nil {
		return none, err
	}
	records, err := os.Open(filepath.Join(dir, "records"))
	if err != nil {
		return none, err
	}
	leaves, err := os.Open(filepath.Join(dir, "hashes.0"))
	if err != nil {
		return none, err
	}
	var above []byte
	if tree.N >= width {
		if above, err = os.ReadFile(filepath.Join(dir, "hashes.1")); err != nil {
			return none, err
		}
	}
	in, stored := bufio.NewReaderSize(records, 8<<20), bufio.NewReaderSize(leaves, 1<<20)
	hashes := make([]tlog.Hash, width)
	var tops, edge []tlog.Hash
	var tile, storedTile []byte
	for n := int64(0); n*width < tree.N; n++ {
		count := int(min(tree.N-n*width, width))
		if count == width {
			begin, end := binary.LittleEndian.Uint64(offsets[8*n:]), binary.LittleEndian.Uint64(offsets[8*(n+1):])
			tile = grow(tile, int(end-begin))
			_, err = io.ReadFull(in, tile)
		} else {
			tile, err = io.ReadAll(in)
		}
		if err != nil {
			return none, err
		}
		rest := tile
		for i := 0; i < count; i++ {
			end := bytes.Index(rest, []byte("\n\n")) + 1
			if end == 0 {
				end = len(rest)
			}
			hashes[i] = tlog.RecordHash(rest[:end])
			rest = rest[min(end+1, len(rest)):]
		}
		storedTile = grow(storedTile, count*tlog.HashSize)
		if _, err := io.ReadFull(stored, storedTile); err != nil {
			return none, err
		}
		for i := range hashes[:count] {
			if !bytes.Equal(hashes[i][:], storedTile[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				return none, fmt.Errorf("record %d has another hash than is stored", n*width+int64(i))
			}
		}
		if count < width {
			edge = append(edge, hashes[:count]...)
			break
		}
		top := fold(hashes[:count])
		if !bytes.Equal(top[:], above[n*tlog.HashSize:(n+1)*tlog.HashSize]) {
			return none, fmt.Errorf("data tile %d has another hash than is stored", n)
		}
		tops = append(tops, top)
	}
	root := mth(tops, edge)
	if root != tree.Hash {
		return none, fmt.Errorf("the root is %v, that of the head %v", root, tree.Hash)
	}
	return tree, nil
}

// head opens the signed note of the log.
func head(dir, keyFile string) (tlog.Tree, error) {
	var none tlog.Tree
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return none, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return none, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "head"))
	if err != nil {
		return none, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return none, err
	}
	return tlog.ParseTree([]byte(opened.Text))
}

func grow(buffer []byte, n int) []byte {
	if cap(buffer) < n {
		return make([]byte, n, 2*n)
	}
	return buffer[:n]
}

// fold gives the hash of a perfect subtree, in place.
func fold(hashes []tlog.Hash) tlog.Hash {
	for n := len(hashes); n > 1; n /= 2 {
		for i := 0; i < n/2; i++ {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0]
}

// mth gives the root over full tiles and the records after them.
func mth(tops, edge []tlog.Hash) tlog.Hash {
	peaks := append(perfect(tops), perfect(edge)...)
	if len(peaks) == 0 {
		root, _ := tlog.TreeHash(0, nil)
		return root
	}
	root := peaks[len(peaks)-1]
	for i := len(peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(peaks[i], root)
	}
	return root
}

// perfect gives the hashes of the perfect subtrees that a row is made of, the largest first.
func perfect(row []tlog.Hash) (peaks []tlog.Hash) {
	for len(row) > 0 {
		n := 1
		for 2*n <= len(row) {
			n *= 2
		}
		peaks = append(peaks, fold(row[:n:n]))
		row = row[n:]
	}
	return peaks
}
