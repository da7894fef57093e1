package steps

import (
	"fmt"

	"github.com/flowrunner/flowrunner/engine/step"
)

// phoneForms gives the ways in which the account may have written a phone.
// Mexico's 52 and 521 are the API client's own business.
func phoneForms(text string) ([]string, error) {
	forms, err := step.PhoneForms(text)
	if err != nil {
		return nil, &step.ArgError{Param: "phone", Problem: fmt.Sprintf("is %q, which %s", cut(text), err)}
	}
	return forms, nil
}

// onePhone is the likeliest form of a phone.
func onePhone(text string) (string, error) {
	forms, err := phoneForms(text)
	if err != nil {
		return "", err
	}
	return forms[0], nil
}
