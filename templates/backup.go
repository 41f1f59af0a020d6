package templates

// ExportBackup gives the files of a project whose database is copied by a GitHub
// workflow that exports it, in place of a Workflow in the Worker.
func ExportBackup(files []File, v Values) ([]File, error) {
	return change(files, "with/backup-export", "--backup export", v)
}
