package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// SecretError is a secret that is not there. Commands exit with 4.
type SecretError struct {
	Name   string
	Reason string
}

// Error says which one.
func (e *SecretError) Error() string { return fmt.Sprintf("the secret %s %s", e.Name, e.Reason) }

// Fix is where it may come from.
func (e *SecretError) Fix() string {
	return fmt.Sprintf("set the environment variable %s, or %s_FILE to a file that holds it", e.Name, e.Name)
}

// tokenVariable is where the token comes from when the flow names none.
const tokenVariable = "CHAT2DESK_API_TOKEN"

// ReadSecret reads a secret from the environment, or from the file that NAME_FILE
// names. The error is a *SecretError.
func ReadSecret(lookup func(string) (string, bool), name string) (string, error) {
	v, ok := lookup(name)
	if !ok || v == "" {
		path, fromFile := lookup(name + "_FILE")
		if !fromFile || path == "" {
			return "", &SecretError{name, "is not set"}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", &SecretError{name, fmt.Sprintf("cannot be read from the file of %s_FILE (%s)", name, pathReason(err))}
		}
		v = string(b)
	}
	if v = strings.TrimSpace(v); v == "" {
		return "", &SecretError{name, "is empty"}
	}
	return v, nil
}

// secret reads a secret, and tells of it before it is used.
func (s *session) secret(name string) (step.Secret, error) {
	v, err := ReadSecret(s.o.LookupEnv, name)
	if err != nil {
		return step.Secret{}, err
	}
	if s.o.OnSecret != nil {
		s.o.OnSecret(v)
	}
	return step.NewSecret(v), nil
}

func pathReason(err error) string {
	var pe *os.PathError
	if ok := asError(err, &pe); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// connection is the effective connection of a step, settled once a run.
func (s *session) connection(st *Step) (step.Connection, error) {
	s.mu.Lock()
	conn, ok := s.connections[st]
	s.mu.Unlock()
	if ok {
		return conn, nil
	}
	conn, err := s.settleConnection(st)
	if err == nil {
		s.mu.Lock()
		s.connections[st] = conn
		s.mu.Unlock()
	}
	return conn, err
}

func (s *session) settleConnection(st *Step) (step.Connection, error) {
	c := s.p.Connection
	conn := step.Connection{Scheme: c.Scheme, Rate: c.Rate}
	if s.o.Rate != nil {
		conn.Rate = *s.o.Rate
	}
	if s.o.Sandbox != nil {
		conn.BaseURL, conn.Token, conn.Scheme = s.o.Sandbox.BaseURL, step.NewSecret(s.o.Sandbox.Token), "raw"
		if s.o.Rate == nil {
			conn.Rate = 0
		}
		return conn, nil
	}
	var err error
	switch {
	case s.o.BaseURL != "":
		conn.BaseURL = s.o.BaseURL
	case c.BaseURL != nil:
		if conn.BaseURL, err = s.textOf(c.BaseURL); err != nil {
			return conn, err
		}
	default:
		conn.BaseURL, _ = s.o.LookupEnv("CHAT2DESK_BASE_URL")
	}
	token := c.Token
	if st.Token != nil {
		token = st.Token
	}
	if token == nil {
		conn.Token, err = s.secret(tokenVariable)
		return conn, err
	}
	conn.Token, err = s.secretValue(token)
	return conn, err
}

// secretValue evaluates an apiToken.
func (s *session) secretValue(v *lang.Value) (step.Secret, error) { return s.reveal(v, s.root.env) }

// sandboxSecret stands for every secret in the sandbox, which needs none.
const sandboxSecret = "sandbox"

// secretArgs adds the secrets of a step to its arguments, for the call alone.
func (s *session) secretArgs(st *Step, env, args map[string]any) error {
	for _, a := range st.secrets {
		sec := step.NewSecret(sandboxSecret)
		if s.o.Sandbox == nil {
			var err error
			if sec, err = s.reveal(a.Value, env); err != nil {
				return err
			}
		}
		args[a.Field.Name] = sec
	}
	return nil
}

// reveal evaluates a secret where the names of around are known.
func (s *session) reveal(v *lang.Value, around map[string]any) (step.Secret, error) {
	secrets := map[string]any{}
	for _, r := range v.Refs() {
		if r.Path[0] == "secrets" && len(r.Path) > 1 {
			sec, err := s.secret(r.Path[1])
			if err != nil {
				return sec, err
			}
			secrets[r.Path[1]] = sec
		}
	}
	env := maps.Clone(around)
	env["secrets"] = secrets
	x, err := v.Eval(env)
	if err != nil {
		return step.Secret{}, err
	}
	sec, ok := x.(step.Secret)
	if !ok || sec.IsZero() {
		return sec, &SecretError{tokenVariable, "is empty"}
	}
	return sec, nil
}

func (s *session) textOf(v *lang.Value) (string, error) {
	x, err := v.Eval(s.root.env)
	if err != nil {
		return "", err
	}
	t, _ := x.(string)
	return t, nil
}

// account names the account behind a step's connection (language page,
// "Names"): the API's host and the company's id there.
func (s *session) account(ctx context.Context, st *Step) (string, error) {
	s.mu.Lock()
	name, ok := s.accounts[st]
	s.mu.Unlock()
	if ok {
		return name, nil
	}
	name, err := s.askAccount(ctx, st)
	if err == nil {
		s.mu.Lock()
		s.accounts[st] = name
		s.mu.Unlock()
	}
	return name, err
}

// askAccount asks for it, once over the same links.
func (s *session) askAccount(ctx context.Context, st *Step) (string, error) {
	conn, err := s.connection(st)
	if err != nil {
		return "", err
	}
	name, err := s.links.value(accountKey{conn.BaseURL, conn.Token.Reveal()}, func() (any, error) { return s.accountOver(ctx, st, conn) })
	if err != nil {
		return "", err
	}
	return name.(string), nil
}

// accountKey is the key of the account behind a token.
type accountKey struct{ base, token string }

// accountOver asks the API over a connection.
func (s *session) accountOver(ctx context.Context, st *Step, conn step.Connection) (name string, err error) {
	id := ""
	if s.o.Account != nil {
		if id, err = s.o.Account(step.WithHost(ctx, &host{s: s, conn: conn})); err != nil {
			return "", &StepError{Step: st.ID, Doing: "asking which account the token belongs to", Span: st.Span, Err: err}
		}
	}
	switch {
	case id != "":
	case s.p.Connection.Account != "":
		id = s.p.Connection.Account
	default:
		id = "default"
	}
	return s.accountHost(conn.BaseURL) + "/" + id, nil
}

// sandboxHost stands for the host of every sandbox.
const sandboxHost = "sandbox"

// accountHost is the host of a base URL in one spelling: whoever got a message
// under one spelling must not get it again under another.
func (s *session) accountHost(base string) string {
	if s.o.Sandbox != nil {
		return sandboxHost
	}
	host, err := s.p.hostOf(base)
	if err != nil {
		return base // nothing is called there
	}
	return host
}
