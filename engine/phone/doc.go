// Package phone reads telephone numbers as people write them, and says whether a
// number can exist, in which country and, for a fixed line, in which time zone.
//
// It owns the numbering plans, which `make generate` takes out of the tables of
// github.com/nyaruka/phonenumbers. That library reads all of its tables at every
// start of a program; here a plan is read when a number needs it
// (docs/adr/0021). The library is what the tests compare with, and no part of the
// program. Start at Read in number.go.
package phone
