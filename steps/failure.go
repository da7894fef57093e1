package steps

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

const tokenHint = "set CHAT2DESK_API_TOKEN, or connection.apiToken in the flow, to the token shown under Settings > API in Chat2Desk, as it is and without Bearer"

// explained is what each kind of API error means to the engine and to people.
// The words of the API itself follow the reason in brackets.
var explained = map[chat2desk.Kind]struct {
	class        step.Class
	reason, hint string
}{
	chat2desk.KindOther:         {step.ClassOther, "the call to Chat2Desk failed", ""},
	chat2desk.KindToken:         {step.ClassToken, "Chat2Desk refused the API token", tokenHint},
	chat2desk.KindQuotaMonth:    {step.ClassQuota, "the company's API calls of this month are used up", "wait for the next month, or ask Chat2Desk for a larger API plan; what is not sent yet can be resumed then"},
	chat2desk.KindRateLimited:   {step.ClassRateLimited, "Chat2Desk asks for fewer calls", "lower connection.rate, for example to 3/s"},
	chat2desk.KindInvalid:       {step.ClassInvalid, "Chat2Desk refused the request", ""},
	chat2desk.KindNotFound:      {step.ClassNotFound, "Chat2Desk knows no such thing", "check the id; it may belong to another account"},
	chat2desk.KindAlreadyExists: {step.ClassInvalid, "it exists already", ""},
	chat2desk.KindWrongPath:     {step.ClassWrongPath, "the base URL leads to no Chat2Desk API", "check connection.baseUrl or CHAT2DESK_BASE_URL: scheme and host, as in https://api.chat2desk.com"},
	chat2desk.KindRedirect:      {step.ClassRedirect, "the base URL redirects elsewhere", "set connection.baseUrl or CHAT2DESK_BASE_URL to the final address"},
	chat2desk.KindServer:        {step.ClassServer, "Chat2Desk has a problem of its own", "try again a little later"},
	chat2desk.KindBadAnswer:     {step.ClassServer, "the answer is not what Chat2Desk gives", "try again a little later; if it stays, check connection.baseUrl and any proxy between"},
	chat2desk.KindUnreachable:   {step.ClassUnreachable, "Chat2Desk could not be reached", "check the network, and connection.baseUrl or CHAT2DESK_BASE_URL"},
	chat2desk.KindCanceled:      {step.ClassOther, "the call was stopped", ""},
	chat2desk.KindAllowance:     {step.ClassAllowance, "no more calls may be made", "raise --max-calls, or leave it out; what is not sent yet can be resumed"},
	chat2desk.KindFilterIgnored: {step.ClassOther, "Chat2Desk did not apply a filter, so everybody would have been selected", "this instance does not know the filter: read the list without it and use the kind filter"},
}

// deliveries translates what is known of a send.
var deliveries = map[chat2desk.Delivery]step.Delivery{
	chat2desk.DeliveryUnknown: step.Unknown,
	chat2desk.NotSent:         step.NotSent,
	chat2desk.Refused:         step.Refused,
}

// longNumber is what may be somebody's phone in the words of the API.
var longNumber = regexp.MustCompile(`\d{9,}`)

// failure translates an error of the API client into what the engine decides
// by. Errors of another kind, such as those of the host, stay as they are.
func failure(err error) error {
	var e *chat2desk.Error
	if !errors.As(err, &e) {
		return err
	}
	var base *chat2desk.BaseURLError
	if errors.As(err, &base) {
		return &step.Failure{
			Class: step.ClassInvalid, Delivery: step.NotSent, Reason: base.Error(), Err: err,
			Hint: base.Fix() + "; it comes from --base-url, connection.baseUrl or CHAT2DESK_BASE_URL",
		}
	}
	x := explained[e.Kind]
	reason := x.reason
	words := longNumber.ReplaceAllStringFunc(e.Message, func(n string) string { return "…" + n[len(n)-4:] })
	switch {
	case words != "" && e.Status != 0:
		reason += fmt.Sprintf(" (HTTP %d: %s)", e.Status, words)
	case words != "":
		reason += " (" + words + ")"
	case e.Status != 0:
		reason += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	return &step.Failure{
		Class: x.class, Delivery: deliveries[e.Delivery], RetryAfter: e.RetryAfter,
		Reason: reason, Hint: x.hint, Err: err,
	}
}
