package e2e

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// faultTable is what is said of every fault and what proves it.
const faultTable = "FAULTS.md"

// faultRows counts the rows of each part of the list, I being the invariants and
// I- the faults of CI.
var faultRows = map[string]int{"I": 7, "A": 15, "B": 18, "C": 23, "D": 10, "E": 16, "F": 15, "G": 11, "H": 6, "I-": 16}

func faultIDs() (ids []string) {
	for part, n := range faultRows {
		for i := range n {
			ids = append(ids, fmt.Sprint(part, i+1))
		}
	}
	slices.Sort(ids)
	return ids
}

// faultRow is a line of a table that begins with a row's id.
var faultRow = regexp.MustCompile(`(?m)^\| (I-\d+|[A-I]\d+) \|(.*)\|$`)

// TestFaultTable: no row is missing from the table, and each names tests that
// exist.
func TestFaultTable(t *testing.T) {
	table, err := os.ReadFile(faultTable)
	if err != nil {
		t.Fatal(err)
	}
	tests := testsByPackage(t)
	var ids []string
	for _, row := range faultRow.FindAllStringSubmatch(string(table), -1) {
		id, cells := row[1], strings.Split(row[2], " | ")
		ids = append(ids, id)
		proof := strings.TrimSpace(cells[len(cells)-1])
		proof, open, pending := strings.Cut(proof, "pending: ")
		if pending {
			t.Errorf("%s: not proved yet: %s", id, open)
		}
		for _, name := range strings.Fields(proof) {
			if err := exists(tests, name); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	slices.Sort(ids)
	sameIDs(t, "the table", faultIDs(), ids)
	t.Logf("%d rows", len(ids))
}

// exists reports whether what a row names, in backquotes, is a test or a script.
func exists(tests map[string]bool, quoted string) error {
	name := strings.Trim(quoted, "`")
	switch {
	case quoted != "`"+name+"`" || name == "":
		return fmt.Errorf("%q is no test", quoted)
	case strings.HasPrefix(name, "script/"):
		_, err := os.Stat(filepath.Join("testdata", filepath.FromSlash(name)))
		return err
	case !tests[name]:
		return fmt.Errorf("there is no test %s", name)
	}
	return nil
}

// testsByPackage lists the module's tests as kinds.TestContract, by the last part
// of the package's path, for whatever system they are.
func testsByPackage(t *testing.T) map[string]bool {
	t.Helper()
	tests, where := map[string]bool{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.Base(dir)
		if other, known := where[pkg]; known && other != dir {
			t.Errorf("%s and %s have one name", other, dir)
		}
		where[pkg] = dir
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
				tests[pkg+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// TestFaultList: the rows are those of the list that the project grew from, which
// lies beside the checkout where it is developed.
func TestFaultList(t *testing.T) {
	path := filepath.Join("..", "..", "shared", "design", "faults.md")
	list, err := os.ReadFile(path)
	if err != nil {
		t.Logf("only the table is checked, and not against the list, which is not here: %v", err)
		return
	}
	var ids []string
	for _, row := range faultRow.FindAllStringSubmatch(string(list), -1) {
		ids = append(ids, row[1])
	}
	for _, invariant := range regexp.MustCompile(`(?m)^- (I\d+) `).FindAllStringSubmatch(string(list), -1) {
		ids = append(ids, invariant[1])
	}
	slices.Sort(ids)
	sameIDs(t, "the list", ids, faultIDs())
}

func sameIDs(t *testing.T, what string, want, got []string) {
	t.Helper()
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("%s: %s is missing", what, id)
		}
	}
	for i, id := range got {
		if !slices.Contains(want, id) {
			t.Errorf("%s: %s is no row", what, id)
		}
		if i > 0 && got[i-1] == id {
			t.Errorf("%s: %s stands twice", what, id)
		}
	}
}
