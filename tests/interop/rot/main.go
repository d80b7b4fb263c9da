// Command rot flips bits of files as a disk does that rots: through memory that is mapped to them, so that on a file system in memory
// (tmpfs) no time of a file moves. It reads lines
//
//	OFFSET<TAB>PATH
//
// and flips the lowest bit of the byte there.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		at, path, _ := strings.Cut(lines.Text(), "\t")
		if err := flip(at, path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func flip(at, path string) error {
	offset, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	mapped, err := syscall.Mmap(int(file.Fd()), 0, offset+1, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	mapped[offset] ^= 1
	return syscall.Munmap(mapped)
}
