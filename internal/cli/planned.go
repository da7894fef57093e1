package cli

import (
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// plan is where the plan of a run's first stage is, as long as nobody deletes it.
func (s state) plan(run string) string { return planfile.PathOf(engine.RunDir(s.dir, run), 0) }

// planFiles are the plans of a run that are still there, stage by stage.
func planFiles(st state, run string) []string { return planfile.Stages(engine.RunDir(st.dir, run)) }

// textsOf gives what the people of some sends were to get, by identity, as far
// as the plans of the runs that tried them are still there and whole.
func (a *app) textsOf(st state, records []ledger.Record) map[ledger.Identity]string {
	texts := map[ledger.Identity]string{}
	wanted := map[string]map[string]ledger.Identity{} // run → identity in hex
	for _, r := range records {
		if wanted[r.Run] == nil {
			wanted[r.Run] = map[string]ledger.Identity{}
		}
		wanted[r.Run][r.Identity.String()] = r.Identity
	}
	for run, ids := range wanted {
		for _, path := range planFiles(st, run) {
			p, _, err := a.readPlan(path)
			if err != nil {
				break // a plan is no longer needed when its run has ended
			}
			for rec, err := range planfile.Records(path) {
				if err != nil {
					break
				}
				send, ok := rec.(planfile.Send)
				if !ok || send.Status != planfile.StatusPlanned {
					continue
				}
				if id, ok := ids[send.Identity]; ok {
					if sample, ok := p.Sample(send); ok {
						texts[id] = sample.Preview.Text
					}
				}
			}
		}
	}
	return texts
}

// folderFile stands beside a run's plan and names the flow's folder, so that
// resume finds the flow's files wherever it is typed.
const folderFile = "folder"

func rememberFolder(plan, folder string) error {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return fileError("find", folder, err)
	}
	path := filepath.Join(filepath.Dir(plan), folderFile)
	if err := os.WriteFile(path, []byte(abs), 0o600); err != nil {
		return fileError("write", path, err)
	}
	return nil
}

// folderOf is the folder that was remembered beside a plan, as long as it is
// there; else that of the flow's name.
func folderOf(plan, file string) string {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(plan), folderFile))
	if err == nil {
		if info, err := os.Stat(string(b)); err == nil && info.IsDir() {
			return string(b)
		}
	}
	return filepath.Dir(file)
}
