// Package ten depends on ten modules that are published for anybody, so that Go's own go.sum can be audited.
package ten

import (
	_ "github.com/BurntSushi/toml"
	_ "github.com/Masterminds/semver/v3"
	_ "github.com/davecgh/go-spew/spew"
	_ "github.com/dgrijalva/jwt-go"
	_ "github.com/google/uuid"
	_ "github.com/pkg/errors"
	_ "github.com/pmezard/go-difflib/difflib"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/xerrors"
	_ "gopkg.in/yaml.v3"
)
