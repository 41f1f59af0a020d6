// Program passes five points and says which it got past.
package main

import (
	"fmt"

	"github.com/cfboot/cfboot/provision/crashpoint"
)

func main() {
	for i := range 5 {
		crashpoint.Here("step")
		fmt.Println(i + 1)
	}
}
