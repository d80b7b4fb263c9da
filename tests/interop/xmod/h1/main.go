// H1 prints what x/mod's dirhash says of each zip that it is given, one a line: the hash, or "refused: " and why.
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

func main() {
	for _, name := range os.Args[1:] {
		hash, err := dirhash.HashZip(name, dirhash.Hash1)
		if err != nil {
			hash = "refused: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(hash)
	}
}
