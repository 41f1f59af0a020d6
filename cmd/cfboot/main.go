// Command cfboot makes, changes and removes Cloudflare projects.
package main

import (
	"os"

	"github.com/cfboot/cfboot/cmd/cli"
)

func main() { os.Exit(cli.Main(cli.System(version), os.Args[1:])) }

// version is set when a release is built.
var version = "0.1.0-dev"
