package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// serveOptions are the flags of sandbox serve.
type serveOptions struct {
	sandboxFlags
	addr       string
	token      string
	deadOffset bool
	noExternal bool
	escape     bool
	perSecond  int
	latency    time.Duration
	accepted   string
}

func newSandbox(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a fake Chat2Desk to try things against",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsCommand,
	}
	o := &serveOptions{}
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the fake API on this machine until interrupted",
		Args:  atMost(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if o.perSecond < 0 {
				return &usageError{fmt.Sprintf("--max-per-second is %d", o.perSecond), "give a number from 1 on"}
			}
			return serve(a, o)
		},
	}
	f := serve.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:8044", "the `address` to listen at; loopback only, port 0 takes a free one")
	f.StringVar(&o.token, "token", "", "the `token` to ask for (default: a new one)")
	o.sandboxFlags.register(f, "", sandbox.DefaultContacts)
	o.registerFaults(f)
	f.BoolVar(&o.deadOffset, "dead-offset", false, "ignore offset on messages, as some instances do")
	f.BoolVar(&o.noExternal, "no-external-id", false, "give no external ids back in histories, as some instances do")
	f.BoolVar(&o.escape, "escape-texts", false, "give the texts of histories back escaped for HTML")
	f.DurationVar(&o.latency, "latency", 0, "how long each call takes, such as 20ms")
	f.IntVar(&o.perSecond, "max-per-second", 0, "answer 429 to more calls than this within a second (default: to none)")
	f.StringVar(&o.accepted, "accepted", "", "keep a log of the accepted messages in this `file`")
	cmd.AddCommand(serve)
	return cmd
}

func serve(a *app, o *serveOptions) error {
	if !loopback(o.addr) {
		return &usageError{fmt.Sprintf("--addr %s is not on this machine alone", o.addr), "write --addr 127.0.0.1:8044"}
	}
	server, closeLog, err := newServer(o)
	if err != nil {
		return err
	}
	defer closeLog()
	defer server.Close()
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return &usageError{fmt.Sprintf("cannot listen on %s: %s", o.addr, cause(err)), "choose another --addr; port 0 takes a free one"}
	}
	base := "http://" + listener.Addr().String()
	fmt.Fprintf(a.stdout, "base URL: %s\ntoken:    %s\n\nexport CHAT2DESK_BASE_URL=%s CHAT2DESK_API_TOKEN=%s\nflowrunner run FLOW.yaml\n", base, o.token, base, o.token)
	_ = a.stdout.Flush()
	api := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
	go func() {
		<-a.signals.drain.Done()
		_ = api.Close()
	}()
	if err := api.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve sandbox: %w", err)
	}
	if all, above := server.Calls(); o.perSecond > 0 {
		fmt.Fprintf(a.stderr, "%s, %d of them above --max-per-second\n", ui.Plural(int(all), "call", "calls"), above)
	}
	fmt.Fprintf(a.stderr, "%s accepted in all\n", ui.Plural(len(server.Accepted()), "message", "messages"))
	return nil
}

func newServer(o *serveOptions) (*sandbox.Server, func(), error) {
	so, err := o.options()
	if err != nil {
		return nil, nil, err
	}
	if o.token == "" {
		o.token = newToken()
	}
	so.Token, so.DeadOffset, so.NoExternalID, so.EscapeTexts, so.Latency = o.token, o.deadOffset, o.noExternal, o.escape, o.latency
	so.MaxPerSecond = o.perSecond
	if o.accepted == "" {
		return sandbox.New(so), func() {}, nil
	}
	earlier, log, err := sandbox.OpenLog(o.accepted)
	if err != nil {
		return nil, nil, err
	}
	so.AcceptedLog = log
	server := sandbox.New(so)
	server.Restore(earlier)
	return server, func() { _ = log.Close() }, nil
}

// cause is the innermost error, which is what a person can do something about.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
