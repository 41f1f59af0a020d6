package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a terminal of so many columns: the end that a person sits
// at, and the one that a program is given.
func openTerminal(t *testing.T, columns uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs a terminal:", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs a terminal:", err)
	}
	return person, program
}

// TestTerminals: colour only on a terminal that has it and whose owner wants it;
// neither its width nor the language changes a word.
func TestTerminals(t *testing.T) {
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	show := func(columns uint16, env ...string) string {
		person, program := openTerminal(t, columns)
		cmd := exec.Command(s.bin, "plan")
		cmd.Dir = filepath.Join(s.dir, "shop")
		cmd.Env = append([]string{"HOME=" + s.dir, "CLOUDFLARE_API_BASE_URL=" + s.http.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + testToken}, env...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		seen := make(chan string)
		go func() {
			var b bytes.Buffer
			_, _ = io.Copy(&b, person) // ends with an error when the last program lets go
			seen <- b.String()
		}()
		err := cmd.Run()
		_ = program.Close()
		text := strings.ReplaceAll(<-seen, "\r\n", "\n")
		if err != nil {
			t.Errorf("%v: %v\n%s", env, err, text)
		}
		return text
	}
	coloured := show(80, "TERM=xterm-256color", "LANG=en_US.UTF-8")
	plain := show(80, "TERM=xterm-256color", "LANG=en_US.UTF-8", "NO_COLOR=1")
	if !strings.Contains(coloured, "\x1b[") || strings.Contains(plain, "\x1b") || !strings.Contains(plain, "+ d1/db ") {
		t.Errorf("in colour:\n%q\nwithout:\n%q", coloured, plain)
	}
	for name, text := range map[string]string{
		"no colour is wanted, and no language": show(80, "TERM=xterm", "NO_COLOR=1", "LC_ALL=C"),
		"a terminal that has none":             show(80, "TERM=dumb"),
		"narrow":                               show(20, "TERM=dumb"),
		"of another language":                  show(80, "TERM=dumb", "LC_ALL=ja_JP.eucJP"),
	} {
		if text != plain {
			t.Errorf("%s:\n%q\nwant:\n%q", name, text, plain)
		}
	}
	if text := show(80, "TERM=xterm", "NO_COLOR="); text != coloured {
		t.Errorf("NO_COLOR is empty:\n%q\nwant:\n%q", text, coloured)
	}
	if out := s.must(t, s.in("plan")...); out != plain {
		t.Errorf("without a terminal:\n%q\nwant:\n%q", out, plain)
	}
}
