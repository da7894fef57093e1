package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience bounds one run of one program.
const patience = 30 * time.Minute

// cost is what one run took.
type cost struct {
	wall    time.Duration
	cpu     time.Duration // of the program
	sandbox time.Duration // CPU of the sandbox meanwhile
	calls   int           // that the sandbox got, where it counted them
	refused int           // of them, those that it answered 429
	peak    int64         // bytes of resident memory, 0 where the system does not say
}

// fake is a sandbox in a process of its own.
type fake struct {
	cmd      *exec.Cmd
	base     string
	token    string
	accepted string // its log
	said     bytes.Buffer
}

// serve starts a sandbox whose people depend on seed alone.
func (b *bench) serve(ctx context.Context, folder string, j job) (*fake, error) {
	s := &fake{token: "bench-token", accepted: filepath.Join(folder, "accepted.jsonl")}
	s.cmd = exec.CommandContext(ctx, b.flowrunner, "sandbox", "serve", "--addr", "127.0.0.1:0", "--token", s.token,
		"--seed", strconv.Itoa(seed), "--clients", strconv.Itoa(j.clients), "--latency", j.latency.String(), "--accepted", s.accepted)
	if j.perSecond > 0 {
		s.cmd.Args = append(s.cmd.Args, "--max-per-second", strconv.Itoa(j.perSecond))
	}
	s.cmd.Env, s.cmd.Stderr = bare(), &s.said
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if base, ok := strings.CutPrefix(lines.Text(), "base URL: "); ok {
			s.base = strings.TrimSpace(base)
			return s, nil
		}
	}
	_ = s.cmd.Wait()
	return nil, fmt.Errorf("start the sandbox: it said no address: %s", s.said.String())
}

// stop ends the sandbox and gives the CPU time that it has taken.
func (s *fake) stop() (time.Duration, error) {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return 0, errors.Join(err, s.cmd.Process.Kill(), s.cmd.Wait())
	}
	if err := s.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("stop the sandbox: %w: %s", err, s.said.String())
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), nil
}

// counted reads what the sandbox says of its calls when it ends.
func (s *fake) counted() (calls, refused int) {
	for line := range strings.Lines(s.said.String()) {
		if n, _ := fmt.Sscanf(line, "%d calls, %d of them above", &calls, &refused); n == 2 {
			return calls, refused
		}
	}
	return 0, 0
}

// bare is an environment in which nothing of the person who measures counts.
func bare(more ...string) []string {
	env := []string{"CI=true", "NO_COLOR=1", "HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	for _, name := range []string{"GOMAXPROCS", "GOGC", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, more...)
}

// measure runs one program on a job, on fresh state against a fresh sandbox, and
// checks what came of it.
func (b *bench) measure(ctx context.Context, p program, j job) (c cost, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	folder, err := os.MkdirTemp(b.work, "run-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(folder)
	if err := b.writeFlow(j.name, folder); err != nil {
		return c, err
	}
	api, err := b.serve(ctx, folder, j)
	if err != nil {
		return c, err
	}
	c, err = b.spawn(ctx, p, j.name, folder, api)
	used, stopErr := api.stop()
	c.sandbox = used
	c.calls, c.refused = api.counted()
	if err = errors.Join(err, stopErr); err == nil {
		err = j.check(folder, api.accepted)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", p.name, err)
	}
	return c, nil
}

// spawn runs the program and nothing else.
func (b *bench) spawn(ctx context.Context, p program, name, folder string, api *fake) (cost, error) {
	cmd := exec.CommandContext(ctx, p.path, p.args(b, name, folder)...)
	cmd.Dir = folder
	cmd.Env = bare("CHAT2DESK_BASE_URL="+api.base, "CHAT2DESK_API_TOKEN="+api.token)
	if b.profile != "" && p.name == "flowrunner" {
		cmd.Env = append(cmd.Env,
			"FLOWRUNNER_CPU_PROFILE="+absolute(b.profile, name+".cpu"), "FLOWRUNNER_HEAP_PROFILE="+absolute(b.profile, name+".heap"))
	}
	var said bytes.Buffer
	cmd.Stderr = &said // standard output goes nowhere: that of an export is long
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start)}
	if cmd.ProcessState != nil {
		c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		c.peak = peak(cmd.ProcessState)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %s", err, said.String())
	}
	return c, nil
}

func absolute(dir, name string) string {
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return filepath.Join(dir, name)
	}
	return path
}
