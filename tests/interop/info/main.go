// What Go understands of .info texts. Reads one text a line, in hex; writes one line for each: "refused", or the version, the time
// and the origin as hex of JSON with sorted keys, and whether Go could write what it read.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// As in cmd/go/internal/modfetch/codehost.
type Origin struct {
	VCS       string `json:",omitempty"`
	URL       string `json:",omitempty"`
	Subdir    string `json:",omitempty"`
	Hash      string `json:",omitempty"`
	TagPrefix string `json:",omitempty"`
	TagSum    string `json:",omitempty"`
	Ref       string `json:",omitempty"`
	RepoSum   string `json:",omitempty"`
}

// As in cmd/go/internal/modfetch.
type RevInfo struct {
	Version string
	Time    time.Time
	Name    string  `json:"-"`
	Short   string  `json:"-"`
	Origin  *Origin `json:",omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		text, err := hex.DecodeString(in.Text())
		if err != nil {
			panic(err)
		}
		info := new(RevInfo)
		if json.Unmarshal(text, info) != nil {
			fmt.Fprintln(out, "refused")
			continue
		}
		_, err = json.Marshal(info)
		origin := "null"
		if info.Origin != nil {
			told, _ := json.Marshal(info.Origin)
			origin = string(told)
		}
		fmt.Fprintf(out, "%x %d.%09d %x %v\n", info.Version, info.Time.Unix(), info.Time.Nanosecond(), origin, err == nil)
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}
