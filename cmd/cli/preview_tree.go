package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// unbuilt are folders that a deploy is not made from, or only by way of a lock file
// that is read.
var unbuilt = []string{".git", ".cfboot", ".wrangler", "node_modules"}

// hashTree is over all that a Worker may be built from: in a git repository the
// files that git knows or would know, with what is not committed; elsewhere every
// file but those of unbuilt. more are paths to be read whatever git says.
func hashTree(ctx context.Context, dir string, more []string) (string, error) {
	sum := sha256.New()
	files, err := gitFiles(ctx, dir)
	if err != nil {
		files, err = walked(dir)
	}
	if err != nil {
		return "", err
	}
	for _, m := range more {
		inside, err := walked(filepath.Join(dir, filepath.FromSlash(m)))
		if err != nil && !os.IsNotExist(err) {
			return "", err
		}
		files = append(files, inside...)
	}
	slices.Sort(files)
	for _, f := range slices.Compact(files) {
		if derived(f) || beneath(f, dir) {
			continue
		}
		if err := hashFile(sum, dir, f); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// derived reports whether a file is a preview's configuration: that of this one is
// looked at by itself, and others' are nobody's business.
func derived(path string) bool {
	base := filepath.Base(path)
	stem, is := strings.CutSuffix(base, ".jsonc")
	return is && strings.HasPrefix(stem, "wrangler.") && stem != "wrangler."
}

// beneath reports whether a file lies in a folder that is not read, below dir.
func beneath(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && slices.ContainsFunc(strings.Split(filepath.ToSlash(filepath.Dir(rel)), "/"), func(part string) bool { return slices.Contains(unbuilt, part) })
}

// gitFiles lists what git knows in the whole repository that dir is in, since a
// Worker may import from beside its folder.
func gitFiles(ctx context.Context, dir string) ([]string, error) {
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSpace(string(top))
	list, err := git(ctx, root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range bytes.Split(list, []byte{0}) {
		if len(f) > 0 {
			out = append(out, filepath.Join(root, filepath.FromSlash(string(f))))
		}
	}
	return out, nil
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	return cmd.Output()
}

// walked lists the files below a folder, or the file itself.
func walked(dir string) (out []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && slices.Contains(unbuilt, d.Name()):
			return fs.SkipDir
		case !d.IsDir():
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

// hashFile adds a file's path and content. One that was deleted and not committed
// is no part of the tree.
func hashFile(sum hash.Hash, dir, path string) error {
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		rel = path
	}
	fmt.Fprintf(sum, "%q %v\n", filepath.ToSlash(rel), info.Mode().Type())
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		fmt.Fprintf(sum, "%q\n", to)
		return err
	case !info.Mode().IsRegular():
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	content := sha256.New()
	if _, err := io.Copy(content, f); err != nil {
		return err
	}
	fmt.Fprintf(sum, "%x\n", content.Sum(nil))
	return nil
}

// jsonStrings are the strings of a JSON object, by key; none where it is no such.
func jsonStrings(b []byte) map[string]string {
	var all map[string]any
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range all {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
