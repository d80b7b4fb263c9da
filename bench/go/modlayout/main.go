// Modlayout lays the module zips of a GOMODCACHE out as gosumcheck stores them, and as a go command's module cache that `go mod
// verify` looks through: the same zips, hard-linked where that can be. Of each module path the newest version is taken, since a
// build has one. The cache gets bare go.mod files, so that the build list is these modules and no others.
//
// usage: modlayout GOMODCACHE OUT      writes OUT/data/modules, OUT/modcache, OUT/project/go.mod and OUT/all.sum
package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: modlayout GOMODCACHE OUT")
		os.Exit(2)
	}
	modules, size, err := lay(filepath.Join(os.Args[1], "cache", "download"), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "modlayout:", err)
		os.Exit(1)
	}
	fmt.Printf("modules %d bytes %d\n", modules, size)
}

// newest finds the newest version of every module that has a zip and a go.mod below download.
func newest(download string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(download, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".zip") {
			return err
		}
		below, err := filepath.Rel(download, name)
		if err != nil {
			return err
		}
		escaped, file, ok := strings.Cut(filepath.ToSlash(below), "/@v/")
		path, pathErr := module.UnescapePath(escaped)
		version, versionErr := module.UnescapeVersion(strings.TrimSuffix(file, ".zip"))
		if _, err := os.Stat(strings.TrimSuffix(name, ".zip") + ".mod"); !ok || pathErr != nil || versionErr != nil || err != nil {
			return nil
		}
		if path != "golang.org/toolchain" && semver.Compare(version, found[path]) > 0 {
			found[path] = version
		}
		return nil
	})
	return found, err
}

func lay(download, out string) (int, int64, error) {
	found, err := newest(download)
	if err != nil {
		return 0, 0, err
	}
	var sums, requires strings.Builder
	var size int64
	for path, version := range found {
		escaped, err := module.EscapePath(path)
		if err != nil {
			return 0, 0, err
		}
		file, err := module.EscapeVersion(version)
		if err != nil {
			return 0, 0, err
		}
		name := filepath.Join(escaped, "@v", file)
		from := filepath.Join(download, name)
		stored := filepath.Join(out, "data", "modules", name)
		cached := filepath.Join(out, "modcache", "cache", "download", name)
		zip, mod, err := store(from, stored)
		if err != nil {
			return 0, 0, err
		}
		if err := cache(stored, cached, path, version, zip); err != nil {
			return 0, 0, err
		}
		fmt.Fprintf(&sums, "%s %s %s\n%s %s/go.mod %s\n", path, version, zip, path, version, mod)
		fmt.Fprintf(&requires, "\t%s %s\n", path, version)
		info, err := os.Stat(stored + ".zip")
		if err != nil {
			return 0, 0, err
		}
		size += info.Size()
	}
	if err := write(filepath.Join(out, "all.sum"), sums.String()); err != nil {
		return 0, 0, err
	}
	project := "module bench.example/project\n\ngo 1.17\n\nrequire (\n" + requires.String() + ")\n"
	return len(found), size, write(filepath.Join(out, "project", "go.mod"), project)
}

// store puts a module's files in the place stored, as gosumcheck admits them, and returns their hashes.
func store(from, stored string) (zip, mod string, err error) {
	if zip, err = dirhash.HashZip(from+".zip", dirhash.Hash1); err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(from + ".mod")
	if err != nil {
		return "", "", err
	}
	if mod, err = goModHash(text); err != nil {
		return "", "", err
	}
	if err = os.MkdirAll(filepath.Dir(stored), 0o777); err != nil {
		return "", "", err
	}
	if err = link(from+".zip", stored+".zip"); err != nil {
		return "", "", err
	}
	for ending, text := range map[string]string{".mod": string(text), ".ziphash": zip, ".modhash": mod} {
		if err = write(stored+ending, text); err != nil {
			return "", "", err
		}
	}
	return zip, mod, nil
}

// cache puts the zip in the place cached of a module cache.
func cache(stored, cached, path, version, zip string) error {
	if err := os.MkdirAll(filepath.Dir(cached), 0o777); err != nil {
		return err
	}
	if err := link(stored+".zip", cached+".zip"); err != nil {
		return err
	}
	bare := "module " + path + "\n\ngo 1.17\n"
	about := fmt.Sprintf(`{"Version":%q}`, version)
	for ending, text := range map[string]string{".mod": bare, ".ziphash": zip, ".info": about} {
		if err := write(cached+ending, text); err != nil {
			return err
		}
	}
	return nil
}

func goModHash(text []byte) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	})
}

// link gives a file a second name, or where that cannot be copies it.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	copied, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, copied, 0o666)
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o666)
}
