package chat2desk

import (
	"regexp"
	"strings"
	"sync"
)

// knownText is a kind, and how the API says it.
type knownText struct {
	kind  Kind
	match *regexp.Regexp
}

// knownTexts recognises what the API says in words, since its status codes vary:
// the same refusal has been seen with 200, 400, 401 and 403. The first match
// rules. Most runs meet none, so they are compiled when the first is looked at.
var knownTexts = sync.OnceValue(func() []knownText {
	return []knownText{
		{KindQuotaMonth, regexp.MustCompile(`(?i)limit per month|per month limit|monthly (api )?(limit|quota)`)},
		{KindRateLimited, regexp.MustCompile(`(?i)number of api requests exceeded|too many requests|rate limit`)},
		{KindToken, regexp.MustCompile(`(?i)you need to auth|token is (not correct|incorrect|invalid|wrong|expired)|(specify|missing|invalid|wrong|incorrect|bad) (your |api |auth(orization)? )*token`)},
		{KindAlreadyExists, regexp.MustCompile(`(?i)already exist`)},
		{KindNotFound, regexp.MustCompile(`(?i)\b(client|contact|user|operator|message|dialog|request|channel|transport|tag|(operators? )?group|template)s?( with [^;]{0,60}| id)?( \d+)?( is| was| does)?[ _](not[ _](found|exist)|unknown)|^not_found$|: not_found$|клиент[^;]{0,40} не найден`)},
	}
})

// recognise finds the kind that a text of the API stands for.
func recognise(text string) (Kind, bool) {
	for _, part := range append(strings.Split(text, "; "), text) {
		for _, k := range knownTexts() {
			if k.match.MatchString(part) {
				return k.kind, true
			}
		}
	}
	return KindOther, false
}
