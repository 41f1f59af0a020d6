package templates

import (
	"fmt"
	"path"
	"strings"
)

// Workflow is what GitHub's workflows for previews depend on beside the project.
type Workflow struct {
	Action   string // what runs cfboot, as uses: has it
	Release  string // of cfboot, which the action fetches; empty: it builds what it is
	Dir      string // of the project in its repository; empty: it is the repository
	NodeFile string // with the version of Node, from the repository's top; empty: there is none
	Install  string // installs what the project depends on; empty: it depends on nothing
	Build    string // builds what is deployed; may be empty

	InstallDir string // where Install runs; empty: at the repository's top
}

// Own is cfboot's action where no version of it is known.
const Own = "cfboot/cfboot@main"

// Usual is what a project depends on that was made from a pattern.
var Usual = Workflow{Action: Own, NodeFile: ".nvmrc", Install: "npm ci", Build: "npm run build --if-present"}

// filled puts in cfboot's action where none is said.
func (v Values) filled() Values {
	if v.Workflow.Action == "" {
		v.Workflow.Action = Own
	}
	return v
}

// workflowFiles begin so, in every pattern.
const workflowFiles = ".github/workflows/cfboot-"

// Workflows gives the workflows that make and remove previews: those that every
// pattern has. A project in a folder of its repository has them under its name, so
// that several can be beside each other.
func Workflows(v Values) ([]File, error) {
	all, err := embedded(all[0])
	if err != nil {
		return nil, err
	}
	from := sources{}
	for name, text := range all {
		if strings.HasPrefix(name, workflowFiles) {
			from[name] = text
		}
	}
	files, err := render(from, v)
	if err != nil {
		return nil, err
	}
	if v.Workflow.Dir != "" {
		for i, f := range files {
			ext := path.Ext(f.Path)
			files[i].Path = fmt.Sprintf("%s-%s%s", strings.TrimSuffix(f.Path, ext), v.Name, ext)
		}
	}
	return files, nil
}
