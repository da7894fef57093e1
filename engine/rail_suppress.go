package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Suppress is whom a flow, or its project, never writes to.
type Suppress struct {
	Files, Tags, Words *lang.Value // nil where the key is absent
	Project            bool        // its files are beside the project file
}

// suppression is everybody who is suppressed, as it is at one moment.
type suppression struct {
	lists   []suppressedList
	numbers bool // some list has telephone numbers
	words   guard.Words
	told    []planfile.Suppressed
}

// suppressedList is one file, or all tags of one rail. It holds eight bytes for
// each entry: a million people take eight megabytes.
type suppressedList struct {
	reason   string
	contacts []int    // sorted
	numbers  []uint64 // the beginnings of hashes, sorted
}

func (l *suppressedList) sort() {
	slices.Sort(l.contacts)
	slices.Sort(l.numbers)
}

// beginning is as much of a person's hash as tells people apart in a list.
func beginning(p ledger.Person) uint64 { return binary.BigEndian.Uint64(p[:]) }

// suppressing reads the lists of the flow and its project. A list that cannot be
// read is a *GuardError: nobody would be suppressed by it.
func (s *session) suppressing(ctx context.Context) (*suppression, error) {
	out := &suppression{}
	var words []string
	for _, from := range s.p.Guard.Suppress {
		for _, file := range []struct {
			v    *lang.Value
			read func([]any) error
		}{
			{from.Files, func(names []any) error { return s.suppressFiles(out, from, names) }},
			{from.Tags, func(ids []any) error { return s.suppressTags(ctx, out, ids) }},
			{from.Words, func(list []any) error {
				for _, w := range list {
					words = append(words, fmt.Sprint(w))
				}
				return nil
			}},
		} {
			if file.v == nil {
				continue
			}
			v, err := file.v.Eval(s.root.env)
			if err != nil {
				return nil, suppressError(err)
			}
			list, _ := v.([]any)
			if len(list) == 0 {
				return nil, suppressError(fmt.Errorf("%s: the list is empty", file.v.Span()))
			}
			if err := file.read(list); err != nil {
				return nil, suppressError(err)
			}
		}
	}
	out.words = guard.NewWords(words)
	if len(words) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
		out.told = append(out.told, planfile.Suppressed{By: byWords, Count: len(words), Hash: hex.EncodeToString(sum[:])})
	}
	return out, nil
}

// byWords names the words in what a plan says of its lists.
const byWords = "words"

func suppressError(err error) error {
	var f *step.Failure
	if errors.As(err, &f) {
		return err // the API's
	}
	return &GuardError{
		Rail: "guard.suppress", Reason: err.Error(),
		Hint: "nothing is sent until the list can be read; then the same command goes on",
	}
}

func (s *session) suppressFiles(out *suppression, from Suppress, names []any) error {
	folder := s.o.FlowDir
	if from.Project {
		folder = s.o.ProjectDir
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("open the folder of the list: %w", err)
	}
	defer root.Close()
	for _, v := range names {
		name := fmt.Sprint(v)
		l := suppressedList{reason: "suppress: in " + name}
		f, err := root.Open(name)
		if err != nil {
			return fmt.Errorf("%s: %s", name, pathReason(err))
		}
		count, sum, err := l.read(name, f)
		_ = f.Close() // only read
		if err != nil {
			return err
		}
		out.numbers = out.numbers || len(l.numbers) > 0
		out.lists = append(out.lists, l)
		out.told = append(out.told, planfile.Suppressed{By: name, Count: count, Hash: sum})
	}
	return nil
}

func (l *suppressedList) read(name string, f io.Reader) (count int, sum string, err error) {
	h := sha256.New()
	for row, err := range guard.ReadSuppressed(name, io.TeeReader(f, h)) {
		if err != nil {
			return 0, "", err
		}
		count++
		if row.Contact != 0 {
			l.contacts = append(l.contacts, row.Contact)
		}
		for _, number := range row.Numbers {
			l.numbers = append(l.numbers, beginning(addressed(number)))
		}
	}
	l.sort()
	return count, hex.EncodeToString(h.Sum(nil)), nil
}

// suppressTags lists who has a tag, over the connection of each sending step's
// account.
func (s *session) suppressTags(ctx context.Context, out *suppression, ids []any) error {
	if s.o.People == nil {
		return errors.New("nobody can list who has a tag")
	}
	tags := make([]int, len(ids))
	names := make([]string, len(ids))
	for i, id := range ids {
		tags[i], _ = id.(int)
		names[i] = fmt.Sprint(id)
	}
	reason := "suppress: has the tag " + names[0]
	if len(tags) > 1 {
		reason = "suppress: has one of the tags " + strings.Join(names, ", ")
	}
	l := suppressedList{reason: reason}
	seen := map[string]bool{}
	for _, st := range s.p.Steps {
		for _, send := range st.Sends {
			name, err := s.account(ctx, send)
			if err != nil || seen[name] {
				if err != nil {
					return err
				}
				continue
			}
			seen[name] = true
			in, err := s.hosted(ctx, send)
			if err != nil {
				return err
			}
			for id, err := range s.o.People.Tagged(in, tags) {
				if err != nil {
					return err
				}
				l.contacts = append(l.contacts, id)
			}
		}
	}
	l.sort()
	out.lists = append(out.lists, l)
	out.told = append(out.told, planfile.Suppressed{By: strings.TrimPrefix(reason, "suppress: has "), Count: len(l.contacts)})
	return nil
}

// addressed is the person behind a telephone number, or behind the address of a
// chat.
func addressed(text string) ledger.Person {
	if strings.HasPrefix(text, "[") {
		return ledger.PersonNamed(strings.ToLower(text))
	}
	return numberOf(text)
}

// listed says which list holds a contact, or anything that it is known by.
func (s *suppression) listed(contact int, known []ledger.Person) string {
	for _, l := range s.lists {
		if _, ok := slices.BinarySearch(l.contacts, contact); ok {
			return l.reason
		}
		for _, p := range known {
			if _, ok := slices.BinarySearch(l.numbers, beginning(p)); ok {
				return l.reason
			}
		}
	}
	return ""
}

// optedOut says whether somebody once asked for peace, as the ledger remembers.
// Whoever looks for words believes in what was found, whichever flow found it.
func (s *session) optedOut(ctx context.Context, account string, contact int, known []ledger.Person) (string, error) {
	for o, err := range s.o.Store.OptOuts(ctx, &ledger.Whom{Account: account, Contact: contact, Persons: known}) {
		if err != nil {
			return "", err
		}
		return wordReason(o.Word), nil
	}
	return "", nil
}

func wordReason(word string) string { return fmt.Sprintf("suppress: wrote %q", word) }

// suppress leaves out whoever must not be written to: who is in a file or has a
// tag, who asked for peace before, and who did in one of the newest messages.
func (p *planner) suppress(ctx context.Context, c *candidate) (string, error) {
	if p.suppressed == nil {
		return "", nil
	}
	if p.suppressed.numbers {
		if _, err := p.factsOf(ctx, c); err != nil {
			return "", err
		}
	}
	known := c.acquaintances()
	if why := p.suppressed.listed(c.Contact, known); why != "" {
		return why, nil
	}
	if p.suppressed.words.Len() == 0 {
		return "", nil
	}
	if why, err := p.optedOut(ctx, c.Account, c.Contact, known); err != nil || why != "" {
		return why, err
	}
	return p.wrote(ctx, c)
}

// acquaintances is everybody whom the contact is known to be, which its row of the
// plan then says too.
func (c *candidate) acquaintances() []ledger.Person {
	known := []ledger.Person{c.person}
	if c.facts == nil {
		return known
	}
	for _, number := range c.facts.Numbers {
		known = append(known, numberOf(number))
	}
	if c.facts.Address != "" {
		known = append(known, addressed(c.facts.Address))
	}
	c.Known = nil
	for _, k := range known {
		if k != c.person && !slices.Contains(c.Known, k.String()) {
			c.Known = append(c.Known, k.String())
		}
	}
	return known
}

// wroteMost is how many of the newest messages of a client are looked at for
// words: what one call gives.
const wroteMost = 200

// wrote looks for words in what the client wrote. What is found is written into
// the plan, and remembered for good when the plan is applied.
func (p *planner) wrote(ctx context.Context, c *candidate) (string, error) {
	who := clientID{c.Account, c.Contact}
	if p.heard.who == who {
		return p.heard.reason, nil // another send of the same iteration
	}
	if p.o.People == nil {
		return "", nil
	}
	in, err := p.hosted(ctx, c.st)
	if err != nil {
		return "", err
	}
	p.railCalls++
	messages, err := p.o.People.Wrote(in, c.Contact, wroteMost)
	if err != nil {
		return "", &StepError{Step: c.st.ID, Item: c.Item, Doing: "reading what the contact wrote", Span: c.st.Span, Err: err}
	}
	p.heard.who, p.heard.reason = who, ""
	for _, m := range messages {
		word := p.suppressed.words.Find(m.Text)
		if word == "" {
			continue
		}
		p.heard.reason = wordReason(word)
		return p.heard.reason, p.w.write(planfile.OptOut{
			Type: "optOut", Account: c.Account, Contact: c.Contact, Person: c.Person, Word: word, Message: m.ID, At: m.At,
		})
	}
	return "", nil
}

// heard is what was found in the messages of the contact looked at last.
type heard struct {
	who    clientID
	reason string
}

// comparable refuses a plan that was made without what the lists ask for now: the
// phones of its contacts, or a look into their chats for these words.
func (s *suppression) comparable(plan planfile.Plan) error {
	switch {
	case s == nil:
	case s.numbers && plan.End.Unasked > 0:
		return planAgain("a list of guard.suppress has phones now, and had none when the plan was made, so nobody looked whose phones its contacts have")
	case s.words.Len() > 0 && wordsOf(s.told) != wordsOf(plan.Head.Suppress):
		return planAgain("guard.suppress has other words now than when the plan was made, so nobody looked for them in the chats")
	}
	return nil
}

// wordsOf is what was told of the words; the zero value is that there are none.
func wordsOf(told []planfile.Suppressed) (words planfile.Suppressed) {
	if i := slices.IndexFunc(told, func(l planfile.Suppressed) bool { return l.By == byWords }); i >= 0 {
		words = told[i]
	}
	return words
}

// knownBy is what a row of the plan says of its contact.
func knownBy(r *planfile.Send) []ledger.Person {
	known := []ledger.Person{personOf(r.Person)}
	for _, k := range r.Known {
		known = append(known, personOf(k))
	}
	return slices.DeleteFunc(known, ledger.Person.IsZero)
}

// remember puts the opt-outs of a plan into the ledger before anything of it is
// sent: a person who asked for peace in one chat may stand further up under another
// contact.
func (a *applier) remember(ctx context.Context, plan planfile.Plan) error {
	if wordsOf(plan.Head.Suppress).Count == 0 {
		return nil
	}
	for rec, err := range planfile.Records(plan.Path) {
		if err != nil {
			return err
		}
		o, ok := rec.(planfile.OptOut)
		if !ok {
			continue
		}
		if err := a.o.Store.OptOut(context.WithoutCancel(ctx), ledger.OptOut{
			Account: o.Account, Contact: o.Contact, Person: personOf(o.Person), Word: o.Word, MessageID: o.Message, At: o.At,
		}); err != nil {
			return err
		}
	}
	return nil
}
