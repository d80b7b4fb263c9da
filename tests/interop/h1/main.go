// Command h1 says of every file in a folder what Go's own readers say of it as a module zip:
//
//	NAME<TAB>h1:... or error<TAB>valid or refused
//
// the second column by dirhash.HashZip, the third by zip.CheckZip for example.com/m v1.0.0. With the argument "unicode" it
// prints its version of Unicode and a hash over unicode.IsLetter and the least member of each unicode.SimpleFold orbit.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"unicode"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if os.Args[1] == "unicode" {
		h := sha256.New()
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if 0xd800 <= r && r < 0xe000 {
				continue
			}
			fmt.Fprintf(h, "%t %d\n", unicode.IsLetter(r), fold(r))
		}
		fmt.Fprintf(out, "%s\t%x\n", unicode.Version, h.Sum(nil))
		return
	}
	entries, err := os.ReadDir(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		path := filepath.Join(os.Args[1], entry.Name())
		h1, err := dirhash.HashZip(path, dirhash.Hash1)
		if err != nil {
			h1 = "error"
		}
		verdict := "valid"
		if _, err := zip.CheckZip(module.Version{Path: "example.com/m", Version: "v1.0.0"}, path); err != nil {
			verdict = "refused"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", entry.Name(), h1, verdict)
	}
}

// fold is the heart of x/mod/zip's strToFold.
func fold(r rune) rune {
	for {
		r0 := r
		r = unicode.SimpleFold(r0)
		if r <= r0 {
			break
		}
	}
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}
