// Server is a checksum database: x/mod's own sumdb.TestServer on a port of the loopback interface.
//
// Usage:
//
//	server -records N -gosum FILE [-known K]
//
// Its module versions are example.com/m0@v1.0.0 to example.com/m<N-1>@v1.0.0, every third one with capital letters in its
// path; the lines of all of them are written to FILE. K of them are in the log from the start (all unless told otherwise).
// The others are added when somebody asks, as the real one does, so that the tree grows under the client's hands.
// It prints a line "vkey: KEY", then "url: URL", and serves until its standard input ends.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

const version = "v1.0.0"

var (
	records = flag.Int("records", 1000, "module versions that there are")
	known   = flag.Int("known", -1, "module versions that are in the log from the start")
	gosum   = flag.String("gosum", "", "where to write the lines of all of them")
)

func main() {
	flag.Parse()
	signer, verifier, err := note.GenerateKey(nil, "xmod.example/sumdb")
	check(err)
	test := sumdb.NewTestServer(signer, text)
	var lines strings.Builder
	for n := range *records {
		record, err := text(name(n), version)
		check(err)
		lines.Write(record)
		if *known < 0 || n < *known {
			_, err := test.Lookup(context.Background(), module.Version{Path: name(n), Version: version})
			check(err)
		}
	}
	check(os.WriteFile(*gosum, []byte(lines.String()), 0o644))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("vkey: %s\nurl: http://%s\n", verifier, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	check(http.Serve(listener, sumdb.NewServer(test)))
}

func name(n int) string {
	if n%3 == 0 {
		return fmt.Sprintf("example.com/Some/Module%d", n)
	}
	return fmt.Sprintf("example.com/m%d", n)
}

// text is the record of a module version; any other does not exist (x/mod's server looks for this very error).
func text(path, vers string) ([]byte, error) {
	var n int
	digits := strings.TrimLeft(path, "abcdefghijklmnopqrstuvwxyzMS./")
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || vers != version || n >= *records || path != name(n) {
		return nil, os.ErrNotExist
	}
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, vers, h1(path, "zip"), path, vers, h1(path, "mod")), nil
}

func h1(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, " ")))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
