package chat2desk

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is the main instance.
const DefaultBaseURL = "https://api.chat2desk.com"

// config is what options set.
type config struct {
	token, scheme, authorization string
	base                         *url.URL
	userAgent                    string
	rate                         float64
	transport                    http.RoundTripper
	readTimeout, sendTimeout     time.Duration
	attempts                     int
	backoff                      time.Duration
	now                          func() time.Time
}

func defaults() config {
	return config{
		base:        &url.URL{Scheme: "https", Host: "api.chat2desk.com"},
		userAgent:   "flowrunner-chat2desk",
		readTimeout: 30 * time.Second,
		sendTimeout: 60 * time.Second,
		attempts:    4,
		backoff:     500 * time.Millisecond,
		now:         time.Now,
	}
}

// Option sets one thing of a Client.
type Option func(*config) error

// WithBaseURL names another instance: scheme and host, a trailing /v1 tolerated.
// Without a scheme it is https. Plain http is for loopback only, since the token
// travels in the clear. "" keeps the default.
func WithBaseURL(text string) Option {
	return func(c *config) error {
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		u, err := parseBase(text)
		if err == nil {
			c.base = u
		}
		return err
	}
}

// Host is the host that a base URL names, in one spelling, as WithBaseURL reads it;
// "" names the main instance. The error is a *BaseURLError.
func Host(baseURL string) (string, error) {
	u, err := parseBase(cmp.Or(strings.TrimSpace(baseURL), DefaultBaseURL))
	if err != nil {
		return "", err
	}
	return u.Host, nil
}

// BaseURLError is a base URL that no call can be made to. It holds no password that
// stands in it.
type BaseURLError struct {
	Text   string // as it was given, without a name or password
	Reason string
	Write  string // what is right, as far as it can be told
}

func (e *BaseURLError) Error() string { return fmt.Sprintf("base URL %q: %s", e.Text, e.Reason) }

// Fix is what to write instead.
func (e *BaseURLError) Fix() string { return "write " + e.Write }

func parseBase(text string) (*url.URL, error) {
	full := text
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" {
		return nil, &BaseURLError{text[strings.LastIndexByte(text, '@')+1:], "it is no URL", DefaultBaseURL}
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v1")
	switch {
	case u.User != nil:
		return nil, &BaseURLError{u.Host, "it holds a name or password", "https://" + u.Host + ", and the token as a secret"}
	case strings.Trim(path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, &BaseURLError{text, "only a scheme and a host belong there", u.Scheme + "://" + u.Host}
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, &BaseURLError{text, "http would send the token unencrypted", "https://" + u.Host}
	default:
		return nil, &BaseURLError{text, fmt.Sprintf("the scheme must be https, not %q", u.Scheme), "https://" + u.Host}
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// WithScheme sets the word before the token in the Authorization header: "raw"
// or "" is none (what the API wants), "bearer" is Bearer, others are as given.
func WithScheme(word string) Option {
	return func(c *config) error {
		switch word = strings.TrimSpace(word); strings.ToLower(word) {
		case "", "raw":
			word = ""
		case "bearer":
			word = "Bearer"
		}
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("scheme %q: use raw, bearer or one plain word", word)
		}
		c.scheme = word
		return nil
	}
}

// WithRate limits calls per second, for all callers together; 0 is unlimited.
func WithRate(perSecond float64) Option {
	return func(c *config) error {
		if !(perSecond >= 0) || math.IsInf(perSecond, 0) {
			return fmt.Errorf("rate %v: it must be 0 (unlimited) or more calls a second", perSecond)
		}
		c.rate = perSecond
		return nil
	}
}

// WithTransport replaces the HTTP transport. It must not repeat requests by
// itself; one that serves httptrace lets more failed sends be known as not sent.
func WithTransport(rt http.RoundTripper) Option {
	return func(c *config) error {
		c.transport = rt
		return nil
	}
}

// WithTimeout sets the total time of one call, connecting and reading included.
// Zero keeps the default (30 s for a read, 60 s for a send).
func WithTimeout(read, send time.Duration) Option {
	return func(c *config) error {
		if read < 0 || send < 0 {
			return fmt.Errorf("timeout %v, %v: it must not be negative", read, send)
		}
		if read > 0 {
			c.readTimeout = read
		}
		if send > 0 {
			c.sendTimeout = send
		}
		return nil
	}
}

// WithUserAgent sets the User-Agent header.
func WithUserAgent(text string) Option {
	return func(c *config) error {
		if text = clean(text); text != "" {
			c.userAgent = text
		}
		return nil
	}
}

// WithRetry sets how often a read is tried in all, and the wait after the first
// failure, which doubles from then on. Sends are never tried again here.
func WithRetry(attempts int, backoff time.Duration) Option {
	return func(c *config) error {
		if attempts < 1 || backoff < 0 {
			return fmt.Errorf("retry %d, %v: at least one attempt and no negative wait", attempts, backoff)
		}
		c.attempts, c.backoff = attempts, backoff
		return nil
	}
}

// WithNow sets the clock that dates are reckoned by, for tests.
func WithNow(now func() time.Time) Option {
	return func(c *config) error {
		c.now = now
		return nil
	}
}
