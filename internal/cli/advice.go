package cli

import (
	"github.com/flowrunner/flowrunner/engine"
)

// advice is a command worth typing next.
type advice struct{ why, command string }

func lines(list []advice) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.why + ": " + x.command
	}
	return out
}

// resume is the command that goes on with a run in the same world.
func (j *job) resume(run string) string {
	return "flowrunner resume " + run + j.state.flags() + j.o.again()
}

// next says what to type after a run; the last one is the most useful.
func (j *job) next(r *engine.Result) []advice {
	show := "flowrunner runs show " + r.Run.ID + j.state.flags()
	out := []advice{{"Details", show}}
	if r.Counts.Failed+r.Counts.Unknown+r.Counts.Skipped+r.Counts.LeftOut+r.StillUnknown > 0 {
		out = []advice{{"Who did not get it, and why", show}}
	}
	if r.Counts.Unknown+r.StillUnknown > 0 && j.p.HasSends() {
		resolve := "flowrunner runs resolve " + r.Run.ID + j.state.flags() + " --contact N --as sent|not-sent --reason TEXT"
		out = append([]advice{
			{"To read the chats once more", "the same command again"},
			{"Once you have looked at a chat", resolve},
		}, out...)
	}
	if r.Run.State.Open() {
		out = append(out, advice{"Go on where it stopped", j.resume(r.Run.ID)})
	}
	return out
}
