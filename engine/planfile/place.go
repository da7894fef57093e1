package planfile

import (
	"fmt"
	"os"
	"path/filepath"
)

// PathOf is where the plan of a stage is, counted from 0, in the folder of its run.
func PathOf(dir string, stage int) string {
	if stage == 0 {
		return filepath.Join(dir, "plan.jsonl")
	}
	return filepath.Join(dir, fmt.Sprintf("plan-%d.jsonl", stage))
}

// Stages are the plans in the folder of a run, stage by stage, up to the first that
// is not there: somebody may have deleted them.
func Stages(dir string) []string {
	var all []string
	for {
		path := PathOf(dir, len(all))
		if _, err := os.Stat(path); err != nil {
			return all
		}
		all = append(all, path)
	}
}
