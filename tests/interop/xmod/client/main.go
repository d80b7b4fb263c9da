// Client proves the lines of go.sum files with x/mod's own client, 16 lines at a time.
//
// Usage:
//
//	client -key VKEY -url URL [-state DIR] go.sum...
//
// The remembered tree head is DIR/latest and the cache DIR/cache; without -state nothing is remembered.
// It prints "verified N" and exits with 0, or prints what is wrong and exits with 1. Where the client calls the log a liar,
// standard output is exactly its report and the exit status is 3.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb"
)

const atATime = 16

var (
	key   = flag.String("key", "", "verifier key")
	url   = flag.String("url", "", "where the database is")
	state = flag.String("state", "", "folder of the cache and the remembered tree head")
)

func main() {
	flag.Parse()
	var lines []string
	for _, name := range flag.Args() {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	ops := &ops{}
	if *state != "" {
		ops.latest, _ = os.ReadFile(filepath.Join(*state, "latest"))
	}
	if wrong := prove(sumdb.NewClient(ops), lines); wrong > 0 {
		os.Exit(1)
	}
	fmt.Println("verified", len(lines))
}

// prove looks every line up and returns how many are not what the database says.
func prove(client *sumdb.Client, lines []string) int64 {
	var wrong atomic.Int64
	var group sync.WaitGroup
	work := make(chan string)
	for range atATime {
		group.Go(func() {
			for line := range work {
				if err := check(client, line); err != nil {
					fmt.Println(err)
					wrong.Add(1)
				}
			}
		})
	}
	for _, line := range lines {
		work <- line
	}
	close(work)
	group.Wait()
	return wrong.Load()
}

func check(client *sumdb.Client, line string) error {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return fmt.Errorf("%q: not three fields", line)
	}
	found, err := client.Lookup(fields[0], fields[1])
	if err == nil && !slices.Contains(found, line) {
		err = fmt.Errorf("%s %s: differs", fields[0], fields[1])
	}
	return err
}

// ops is what the client knows of the world.
type ops struct {
	mu     sync.Mutex
	latest []byte
}

func (o *ops) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(*key), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.latest, nil
}

func (o *ops) WriteConfig(_ string, old, new []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if string(old) != string(o.latest) {
		return sumdb.ErrWriteConflict
	}
	o.latest = new
	if *state == "" {
		return nil
	}
	return write(filepath.Join(*state, "latest"), new)
}

func (o *ops) ReadCache(file string) ([]byte, error) {
	if *state == "" {
		return nil, errors.New("no cache")
	}
	return os.ReadFile(filepath.Join(*state, "cache", file))
}

func (o *ops) WriteCache(file string, bytes []byte) {
	if *state != "" {
		if err := write(filepath.Join(*state, "cache", file), bytes); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (o *ops) ReadRemote(path string) ([]byte, error) {
	response, err := http.Get(*url + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

func (o *ops) Log(message string) { fmt.Fprintln(os.Stderr, message) }

func (o *ops) SecurityError(report string) {
	o.mu.Lock() // for good: the first report is the only one
	fmt.Print(report)
	os.Exit(3)
}

// write makes the file whole or not at all: several lookups may bring the same tile.
func write(name string, bytes []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "tmp")
	if err != nil {
		return err
	}
	_, err = temporary.Write(bytes)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
