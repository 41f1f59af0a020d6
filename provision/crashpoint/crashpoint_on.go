//go:build crashpoints

package crashpoint

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Enabled reports whether this build can be killed at a point.
const Enabled = true

// passed counts for the whole process, because it is a process that is killed.
var passed struct {
	sync.Mutex
	n int
}

// Here marks a point: it counts it, and kills the process where
// CFBOOT_CRASH_AT names its number. The name goes to the standard error of a
// process that is about to die. Other goroutines run on until the signal
// arrives, but none of them passes another point.
func Here(name string) {
	passed.Lock()
	defer passed.Unlock()
	passed.n++
	if file := os.Getenv("CFBOOT_CRASH_COUNT"); file != "" {
		if err := os.WriteFile(file, []byte(strconv.Itoa(passed.n)+"\n"), 0o600); err != nil {
			panic(fmt.Sprintf("crashpoint: counting: %v", err))
		}
	}
	at := os.Getenv("CFBOOT_CRASH_AT")
	if at == "" {
		return
	}
	n, err := strconv.Atoi(at)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("crashpoint: CFBOOT_CRASH_AT=%q is no number of a point", at))
	}
	if n == passed.n {
		die(name)
	}
}

func die(name string) {
	fmt.Fprintf(os.Stderr, "crashpoint %d: %s\n", passed.n, name)
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill() // SIGKILL, TerminateProcess on Windows: nothing deferred runs
	}
	if err != nil {
		panic(fmt.Sprintf("crashpoint: %v", err))
	}
	select {} // until the signal arrives
}
