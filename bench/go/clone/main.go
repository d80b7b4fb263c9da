// Clone copies a checksum database over golang.org/x/mod: the data tiles are fetched, each record's tlog.StoredHashes computed,
// and the root compared with the signed head. Fetching is concurrent; what is proven is written to one file.
//
// usage: clone URL VKEYFILE OUTFILE [FETCHERS]
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: clone URL VKEYFILE OUTFILE [FETCHERS]")
		os.Exit(2)
	}
	fetchers := 16
	if len(os.Args) > 4 {
		fetchers, _ = strconv.Atoi(os.Args[4])
	}
	start := time.Now()
	tree, err := clone(os.Args[1], os.Args[2], os.Args[3], max(fetchers, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, "clone:", err)
		os.Exit(1)
	}
	fmt.Printf("go-clone %.3f records %d root %v\n", time.Since(start).Seconds(), tree.N, tree.Hash)
}

func clone(url, keyFile, out string, fetchers int) (tlog.Tree, error) {
	var none tlog.Tree
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fetchers}}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return none, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return none, err
	}
	text, err := get(client, url+"/latest")
	if err != nil {
		return none, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return none, err
	}
	tree, err := tlog.ParseTree([]byte(opened.Text))
	if err != nil {
		return none, err
	}
	file, err := os.Create(out)
	if err != nil {
		return none, err
	}
	defer file.Close()
	sink := bufio.NewWriterSize(file, 4<<20)

	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	id := int64(0)
	for body := range tiles(client, url, tree.N, fetchers) {
		answer := <-body
		if answer.err != nil {
			return none, answer.err
		}
		count := min(tree.N-id, width)
		rest := answer.bytes
		for range count {
			end := bytes.Index(rest, []byte("\n\n")) + 1
			if end == 0 {
				end = len(rest)
			}
			more, err := tlog.StoredHashes(id, rest[:end], reader)
			if err != nil {
				return none, err
			}
			hashes = append(hashes, more...)
			rest = rest[min(end+1, len(rest)):]
			id++
		}
		if _, err := sink.Write(answer.bytes); err != nil {
			return none, err
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return none, err
	}
	if root != tree.Hash {
		return none, fmt.Errorf("the root is %v, that of the head %v", root, tree.Hash)
	}
	if err := sink.Flush(); err != nil {
		return none, err
	}
	return tree, file.Sync()
}

type answer struct {
	bytes []byte
	err   error
}

// tiles fetches all data tiles, several at a time, and gives them in order.
func tiles(client *http.Client, url string, size int64, fetchers int) <-chan chan answer {
	bodies := make(chan chan answer, fetchers)
	go func() {
		defer close(bodies)
		for n := int64(0); n*width < size; n++ {
			tile := tlog.Tile{H: height, L: -1, N: n, W: int(min(size-n*width, width))}
			body := make(chan answer, 1)
			bodies <- body
			go func() {
				bytes, err := get(client, url+"/"+tile.Path())
				body <- answer{bytes, err}
			}()
		}
	}()
	return bodies
}

func get(client *http.Client, url string) ([]byte, error) {
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}
