// Command cfboot makes, changes and removes Cloudflare projects.
package main

import (
	"os"

	"github.com/cfboot/cfboot/cmd/cli"
)

func main() {
	env := cli.System(version)
	env.Revision = revision
	os.Exit(cli.Main(env, os.Args[1:]))
}

// Both are set when a release is built: which it is, and the commit it is of.
var (
	version  = "0.1.0-dev"
	revision = ""
)
