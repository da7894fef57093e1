package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

func (c *compiler) zone() {
	c.p.Zone = time.UTC
	n := c.doc.Connection.Get("timezone")
	if n == nil {
		return
	}
	c.p.ZoneSet = true // a wrong one is reported here, and nowhere else as missing
	v, ok := c.literal(n, "timezone", step.Field{Shape: step.ShapeText})
	if !ok {
		return
	}
	loc, err := time.LoadLocation(v.(string))
	if err != nil || v == "Local" {
		c.diags.Add("unknown-timezone", n.Span, "unknown time zone %q", v).
			WithDetail("A zone is named as in the IANA list: Europe/Moscow, America/Mexico_City, Asia/Almaty, UTC.").
			WithHint("write the company's zone, such as Europe/Moscow")
		return
	}
	c.p.Zone = loc
}

// needZone reports that local time matters at n although no zone is set.
func (c *compiler) needZone(n *flow.Node, what string) {
	if !c.p.ZoneSet {
		c.diags.Add("timezone-required", n.Span, "connection.timezone is required").
			WithDetail("%s depends on the company's time zone, and the zone of the machine is never used.", what).
			WithHint("add `connection: { timezone: Europe/Moscow }` to the flow, with your zone")
	}
}

// oneZone keeps one problem of all that come of a missing time zone.
func (c *compiler) oneZone() {
	c.diags.Sort()
	others := 0
	isZone := func(d diag.Diagnostic) bool { return d.Code == "timezone-required" }
	first := slices.IndexFunc(c.diags, isZone)
	if first < 0 {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(c.diags[first+1:]), func(d diag.Diagnostic) bool {
		if isZone(d) {
			others++
		}
		return isZone(d)
	})
	c.diags = append(c.diags[:first+1], rest...)
	switch d := &c.diags[first]; {
	case others == 1:
		d.Detail += " One more place in the file depends on it."
	case others > 1:
		d.Detail += fmt.Sprintf(" %d more places in the file depend on it.", others)
	}
	c.diags[first].Detail = strings.TrimSpace(c.diags[first].Detail)
}

var envSecret = regexp.MustCompile(`(?i)TOKEN|SECRET|PASSWORD|KEY`)

func (c *compiler) env() []step.Field {
	var fields []step.Field
	secrets := c.secretNames()
	for _, n := range c.doc.Env {
		if envSecret.MatchString(n.Text) || slices.Contains(secrets, n.Text) {
			c.diags.Add("env-secret", n.Span, "%s may not be read as a plain variable", n.Text).
				WithDetail("Its name looks like a secret's, or the flow uses it as one; env.%s could end in a message or a report.", n.Text).
				WithHint("use ${{ secrets.%s }} where a secret is accepted, and delete it from env", n.Text)
			fields = append(fields, step.Field{Name: n.Text, Shape: step.ShapeText})
			continue
		}
		if !slices.Contains(c.p.Env, n.Text) {
			c.p.Env = append(c.p.Env, n.Text)
		}
		fields = append(fields, step.Field{Name: n.Text, Shape: step.ShapeText.OrNil()})
	}
	return fields
}

var secretRef = regexp.MustCompile(`secrets\.([A-Za-z_][A-Za-z0-9_]*)`)

// secretNames finds the names used as secrets anywhere in the document.
func (c *compiler) secretNames() []string {
	var names []string
	for _, m := range secretRef.FindAllStringSubmatch(string(c.doc.Source), -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

func (c *compiler) connection() {
	s := c.doc.Connection
	conn := &c.p.Connection
	if n := s.Get("apiToken"); n != nil {
		conn.Token = c.secret(n, c.p.base, "apiToken")
	}
	if n := s.Get("baseUrl"); n != nil {
		conn.BaseURL = c.value(n, c.p.base, step.Field{Name: "baseUrl", Shape: step.ShapeText})
		c.baseURL(n, conn.BaseURL)
	}
	conn.Scheme = "raw"
	if v, ok := c.literal(s.Get("authScheme"), "authScheme", step.Field{Shape: step.ShapeText}); ok {
		conn.Scheme = v.(string)
	}
	if v, ok := c.literal(s.Get("account"), "account", step.Field{Shape: step.ShapeText}); ok {
		conn.Account = v.(string)
	}
	conn.Rate = DefaultRate
	if n := s.Get("rate"); n != nil {
		if v, ok := c.literal(n, "rate", step.Field{Shape: step.ShapeText}); ok {
			rate, err := ParseRate(v.(string))
			if err != nil {
				c.diags.Add("wrong-rate", n.Span, "%s", err).
					WithDetail("A rate is how many calls a second or a minute the connection may make.").
					WithHint("write 10/s, 300/min or unlimited")
			}
			conn.Rate, conn.RateSet = rate, true
		}
	}
}

// baseURL refuses an address that no call could be made to. One that is computed
// is refused when it is known.
func (c *compiler) baseURL(n *flow.Node, v *lang.Value) {
	if v == nil {
		return
	}
	text, ok := v.Literal()
	if !ok {
		return
	}
	if _, err := c.reg.Host(text.(string)); err != nil {
		d := c.diags.Add("wrong-base-url", n.Span, "%s", err).
			WithDetail("The base URL is the scheme and the host of the API. A /v1 at its end is tolerated; anything else does not belong there.").
			WithHint("%s", Hint(err))
		if strings.Contains(text.(string), "@") {
			d.Hide() // a password, perhaps
		}
	}
}

// secret compiles a value that is a secret and remembers which one.
func (c *compiler) secret(n *flow.Node, sc *lang.Scope, name string) *lang.Value {
	v := c.value(n, sc.AllowSecrets(), step.Field{Name: name, Shape: step.ShapeSecret})
	if v != nil {
		for _, r := range v.Refs() {
			if r.Path[0] == "secrets" && len(r.Path) > 1 && !slices.Contains(c.p.Secrets, r.Path[1]) {
				c.p.Secrets = append(c.p.Secrets, r.Path[1])
			}
		}
	}
	return v
}

// DefaultRate is the pace of a connection that sets none, in calls a second.
// The vendor documents no short-term limit; public clients pause 0.1 to 0.2 s.
const DefaultRate = 10

var rateForm = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute)$`)

// ParseRate reads "10/s", "300/min" or "unlimited" as calls a second, 0 for
// unlimited.
func ParseRate(s string) (float64, error) {
	if s == "unlimited" {
		return 0, nil
	}
	m := rateForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no rate", s)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n <= 0 || n > 10000 {
		return 0, fmt.Errorf("%q is no rate: more than 0 and at most 10000 calls are allowed", s)
	}
	if strings.HasPrefix(m[2], "m") {
		n /= 60
	}
	return n, nil
}

func (c *compiler) duration(n *flow.Node, key string) time.Duration {
	v, ok := c.literal(n, key, step.Field{Shape: step.ShapeDuration})
	if !ok {
		return 0
	}
	d := v.(time.Duration)
	if d <= 0 {
		c.diags.Add("wrong-duration", n.Span, "%s must be longer than nothing", key).WithHint("write 30s, 5m or 1h")
	}
	return d
}

// didYouMean is the tail of a sentence: " (did you mean …?)" or nothing.
func didYouMean(name string, allowed []string) string {
	if hint := diag.DidYouMean(name, allowed); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}
