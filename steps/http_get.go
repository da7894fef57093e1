package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

type httpGetIn struct {
	URL        string             `flow:"url" doc:"The address, https://host/path. The host stands in the flow as it is; expressions may follow the slash behind it."`
	Query      step.Named[string] `flow:"query" doc:"Names and values that are added behind the question mark, encoded as an address needs it."`
	Headers    step.Named[string] `flow:"headers" doc:"Headers of the request; they are no place for a secret."`
	Auth       *step.Secret       `flow:"auth" doc:"The secret that opens the door, with the words that belong to it, as in Bearer and then the secret."`
	AuthHeader string             `flow:"authHeader" optional:"true" default:"Authorization" doc:"The header that carries auth."`
	Format     string             `flow:"format" optional:"true" enum:"json,text" default:"json" doc:"What the answer is; both are read as UTF-8."`
	Type       step.Named[string] `flow:"type" enum:"string,integer,number,boolean,duration,date,time,any" doc:"The fields of the record that the answer is, with their types, so that value has exactly these, each possibly nil."`
	List       bool               `flow:"list" optional:"true" default:"false" doc:"Whether the answer is a list of such records instead of one."`
	MaxBytes   *int               `flow:"maxBytes" min:"1" max:"16777216" default:"1048576" doc:"How large the answer may be, unpacked."`
}

type httpGetOut struct {
	Value  any `flow:"value" doc:"The answer: a JSON value, the record or records of type, or a text."`
	Status int `flow:"status" doc:"The HTTP status, 200 to 299."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "http_get",
	Summary: "Read JSON or a text from another service.",
	Detail: "For what a flow needs from elsewhere, such as a rate or the state of an order. It happens while planning, and only reads: a service that changes something on GET is not for it.\n\n" +
		"The host stands in the flow, so that whoever reviews the file sees who is asked. It is https, or http to this machine (localhost). " +
		"Addresses inside a network (private, link-local and metadata addresses too) are refused when the connection is made, whatever name led there. " +
		"A redirect is followed three times at most, and never to another host. There are no cookies, and proxies of the environment are not used.\n\n" +
		"Only a status of 200 to 299 is an answer; everything else fails the step. Without retry: it is tried three times, where trying may help. " +
		"An answer may take 30 seconds, or what timeout: says if that is less. In the sandbox nothing leaves the machine: only localhost is asked.",
	Since: since,
	Example: `flow: example-http-get
steps:
  - id: rates
    uses: http_get
    with:
      url: https://rates.example.com/v1/latest
      query: { base: USD }
      type: { date: string, rub: number }
  - id: show
    uses: print
    with:
      message: One dollar is ${{ steps.rates.outputs.value.rub ?? 0 }} roubles.
`,
	Infer: inferHTTPGet,
}, httpGet))

func inferHTTPGet(c step.Call) ([]step.Field, error) {
	if _, err := destinationOf(c.Begins["url"], c.Literals["url"] == nil); err != nil {
		return nil, err
	}
	for _, name := range c.Shapes["headers"].Names() {
		if err := checkHeader("headers."+name, name, ""); err != nil {
			return nil, err
		}
	}
	if name, ok := c.Literals["authHeader"].(string); ok {
		if err := checkAuthHeader(name); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"list", "format"} {
		_, written := c.Shapes[name]
		if _, literal := c.Literals[name]; written && !literal {
			return nil, &step.ArgError{Param: name, Problem: "is an expression; write the value itself, since it decides what the outputs are"}
		}
	}
	names, typed := c.Shapes["type"]
	switch {
	case typed && c.Literals["format"] == "text":
		return nil, &step.ArgError{Param: "type", Problem: "belongs to JSON; a text has no fields: take out type or format"}
	case !typed && c.Literals["list"] == true:
		return nil, &step.ArgError{Param: "list", Problem: "needs type, the fields of the records in the list; without type value is whatever the answer is"}
	case c.Literals["format"] == "text":
		return outputs[httpGetOut](map[string]step.Shape{"value": step.ShapeText}), nil
	case !typed:
		return outputs[httpGetOut](nil), nil
	}
	record, err := recordOf(names, c.Literals["type"], "type", jsonTypes)
	if err != nil {
		return nil, err
	}
	if c.Literals["list"] == true {
		record = step.ListOf(record)
	}
	return outputs[httpGetOut](map[string]step.Shape{"value": record}), nil
}

// ownHeaders are headers of a request that a flow has no say in, or another
// parameter for.
var ownHeaders = []string{
	"Host", "Connection", "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive",
	"Accept-Encoding", "Cookie", "Expect", "Range", "Referer",
}

// checkHeader refuses a header that cannot be sent, or not in this way.
func checkHeader(param, name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !isToken(name):
		return &step.ArgError{Param: param, Problem: "is no name of a header; letters, digits and - make one"}
	case canonical == "Authorization" || canonical == "Proxy-Authorization":
		return &step.ArgError{Param: param, Problem: "carries a secret; write it as `auth: Bearer ${{ secrets.NAME }}`"}
	case slices.Contains(ownHeaders, canonical) || strings.HasPrefix(canonical, "Proxy-"):
		return &step.ArgError{Param: param, Problem: "is not for a flow to set; delete it"}
	case strings.ContainsFunc(value, isControl):
		return &step.ArgError{Param: param, Problem: "holds a line break or another control character, which no header may"}
	}
	return nil
}

func checkAuthHeader(name string) error {
	if strings.EqualFold(name, "Authorization") {
		return nil
	}
	return checkHeader("authHeader", name, "")
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// isToken reports whether a text may be the name of a header.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// defaultRetry is how often an address is asked when the flow does not say.
var defaultRetry = step.Retry{Attempts: 3, Backoff: time.Second}

// longestPause is how long one pause before another try may be.
const longestPause = time.Minute

func httpGet(ctx context.Context, in httpGetIn) (httpGetOut, error) {
	q, err := questionOf(in)
	if err != nil {
		return httpGetOut{}, err
	}
	if step.IsOffline(ctx) && !q.to.local {
		return httpGetOut{}, &step.Failure{
			Class: step.ClassInvalid, Delivery: step.NotSent,
			Reason: q.to.host + " was not asked: in the sandbox nothing leaves this machine",
			Hint:   "answer the step with mocks: in a test of the flow, or let the sandbox run ask a server on localhost",
		}
	}
	h := step.HostOf(ctx)
	shared, err := h.Shared(fetcherKey{q.to.local}, func() (any, error) { return newFetcher(q.to.allowed(), nil), nil })
	if err != nil {
		return httpGetOut{}, err
	}
	retry, ok := h.Retry()
	if !ok {
		retry = defaultRetry
	}
	pause := retry.Backoff
	for attempt := 1; ; attempt++ {
		out, err := shared.(*fetcher).ask(ctx, q, h.Zone())
		var f *step.Failure
		if err == nil || attempt >= retry.Attempts || !errors.As(err, &f) || !f.Temporary() || f.RetryAfter > longestPause {
			return out, err
		}
		if err := pauseFor(ctx, max(min(pause, longestPause), f.RetryAfter)); err != nil {
			return httpGetOut{}, err
		}
		pause *= 2
	}
}

// pauseFor waits, unless the run ends first.
func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// decodeAnswer reads the body of an answer as the step asks for it.
func (q question) decodeAnswer(body []byte, contentType string, zone *time.Location) (any, error) {
	src := newJSONSource("the answer of "+q.to.host, q.in.Type, zone)
	if q.in.Format == "text" {
		return answerText(src.path, body)
	}
	v, err := src.answer(body)
	if err != nil {
		if strings.HasPrefix(contentType, "text/html") {
			err = fmt.Errorf("%s is a page for browsers (HTML), not JSON", src.path)
		}
		return nil, &step.Failure{
			Class: step.ClassServer, Delivery: step.NotSent, Reason: err.Error(), Err: err,
			Hint: "check the address; for an answer that is no JSON write format: text",
		}
	}
	if len(q.in.Type) == 0 {
		return v, nil
	}
	if !q.in.List {
		if _, many := v.([]any); many {
			return nil, fmt.Errorf("%s is a list; for a list of records write list: true", src.path)
		}
		return src.record(v, src.path)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is no list of records; for a single record leave list out", src.path)
	}
	for i, rec := range list {
		if list[i], err = src.record(rec, fmt.Sprintf("%s: record %d", src.path, i+1)); err != nil {
			return nil, err
		}
	}
	return list, nil
}
