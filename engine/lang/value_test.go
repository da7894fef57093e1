package lang

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

func number(f float64) *float64 { return &f }

// compileYAML compiles one value of YAML where a field is wanted.
func compileYAML(t *testing.T, yaml string, want step.Field) (*Value, diag.List) {
	t.Helper()
	n, _ := yamlNode(t, "v: "+strings.ReplaceAll(yaml, "\n", "\n  ")+"\n")
	return CompileValue(n, worldScope(time.FixedZone("MSK", 3*60*60)), want)
}

func TestValues(t *testing.T) {
	text := step.Field{Name: "message", Shape: step.ShapeText}
	anything := step.Field{Name: "value", Shape: step.ShapeAny}
	integer := step.Field{Name: "limit", Shape: step.ShapeInt, Min: number(1), Max: number(200)}
	region := step.Field{Name: "region", Shape: step.ObjectOf(
		step.Field{Name: "code", Shape: step.ShapeText}, step.Field{Name: "size", Shape: step.ShapeInt, Optional: true},
	)}
	tests := []struct {
		name, yaml string
		want       step.Field
		shape      string
		full, bare string
	}{
		{"text keeps digits", "007", text, "text", `"007"`, `"007"`},
		{"text keeps true", "true", text, "text", `"true"`, `"true"`},
		{"text loses newlines at its end", "|\nHi\n\nthere\n\n", text, "text", `"Hi\n\nthere"`, `"Hi\n\nthere"`},
		{"template", `Hi ${{ client.name ?? "you" }}!`, text, "text", `"Hi Anna!"`, `"Hi you!"`},
		{"template of numbers", "${{ client.id }} ${{ 1.50 }} ${{ 1e21 }} ${{ client.balance ?? 0 }}", text, "text", `"1 1.5 1000000000000000000000 12.5"`, `"1 1.5 1000000000000000000000 0"`},
		{"template in a block", "|\n${{ inputs.promo }} till Sunday\n", text, "text", `"SALE15 till Sunday"`, `" till Sunday"`},
		{"escape", "$${{ x }} and ${{ client.id }}", text, "text", `"${{ x }} and 1"`, `"${{ x }} and 1"`},
		{"escape alone", "$${{ x }}", text, "text", `"${{ x }}"`, `"${{ x }}"`},
		{"dollars", "$5 and $$ ${ {{ }}", text, "text", `"$5 and $$ ${ {{ }}"`, `"$5 and $$ ${ {{ }}"`},
		{"braces of something else", "'{{ yours }} ${HOME} {{ }} {a}'", text, "text", `"{{ yours }} ${HOME} {{ }} {a}"`, `"{{ yours }} ${HOME} {{ }} {a}"`},
		{"braces in a text", `'${{ "}}" }} ${{ "{{" }}'`, text, "text", `"}} {{"`, `"}} {{"`},
		{"object literal", `'${{ map(inputs.tags, {{"a": #}}) }}'`, anything, "list of object {a}", "[{a: 17}, {a: 18}]", "[]"},
		{"object literal at the end", `'${{ {"a": {"b": 1}}}}'`, anything, "object {a}", "{a: {b: 1}}", "{a: {b: 1}}"},
		{"one hole of an integer is a text", "${{ client.id }}", text, "text", `"1"`, `"1"`},
		{"one hole may be nil where that is allowed", "${{ client.name }}", step.Field{Shape: step.ShapeText.OrNil()}, "text or nil", `"Anna"`, "nil"},
		{"a filter's text may be nil", "${{ client.name }}", step.Field{Shape: step.ShapeText, NonEmpty: true}, "text or nil", `"Anna"`, "nil"},
		{"one hole keeps its type", "${{ client.region }}", anything, "object {code, city} or nil", `{city: "Москва", code: "77"}`, "nil"},
		{"integer", "20", integer, "integer", "20", "20"},
		{"integer with zeros", "007", integer, "integer", "7", "7"},
		{"quoted integer", `"20"`, integer, "integer", "20", "20"},
		{"integer expression", "${{ client.id + 1 }}", integer, "integer", "2", "2"},
		{"number", "1", step.Field{Shape: step.ShapeNumber}, "number", "1.0", "1.0"},
		{"number of an integer expression", "${{ client.id }}", step.Field{Shape: step.ShapeNumber}, "integer", "1", "1"},
		{"boolean", "false", step.Field{Shape: step.ShapeBool}, "boolean", "false", "false"},
		{"duration", "1h30m", step.Field{Shape: step.ShapeDuration}, "duration", "1h30m0s", "1h30m0s"},
		{"duration of days", "90d", step.Field{Shape: step.ShapeDuration}, "duration", "2160h0m0s", "2160h0m0s"},
		{"time in the zone", "2026-03-01 10:30", step.Field{Shape: step.ShapeTime}, "time", "2026-03-01T10:30:00+03:00", "2026-03-01T10:30:00+03:00"},
		{"date", "01.03.2026", step.Field{Shape: step.ShapeTime}, "time", "2026-03-01T00:00:00+03:00", "2026-03-01T00:00:00+03:00"},
		{"enum", "desc", step.Field{Shape: step.ShapeText, Enum: []string{"asc", "desc"}}, "text", `"desc"`, `"desc"`},
		{"null where it may be", "null", step.Field{Shape: step.ShapeText.OrNil()}, "nil", "nil", "nil"},
		{"any integer", "42", anything, "integer", "42", "42"},
		{"any float", "4.20", anything, "number", "4.2", "4.2"},
		{"any boolean", "true", anything, "boolean", "true", "true"},
		{"any phone", "+79001234567", anything, "text", `"+79001234567"`, `"+79001234567"`},
		{"any id with zeros", "007", anything, "text", `"007"`, `"007"`},
		{"any quoted", `"42"`, anything, "text", `"42"`, `"42"`},
		{"any null", "~", anything, "nil", "nil", "nil"},
		{"any list", "[1, 2.5]", anything, "list of number", "[1, 2.5]", "[1, 2.5]"},
		{"any map", `{ a: 1, b: "${{ client.name }}" }`, anything, "object {a, b}", `{a: 1, b: "Anna"}`, "{a: 1, b: nil}"},
		{"list of integers", "\n- 1\n- ${{ client.id }}", step.Field{Shape: step.ListOf(step.ShapeInt)}, "list of integer", "[1, 1]", "[1, 1]"},
		{"list of texts", "[стоп, 007]", step.Field{Shape: step.ListOf(step.ShapeText)}, "list of text", `["стоп", "007"]`, `["стоп", "007"]`},
		{"list by reference", "${{ inputs.tags }}", step.Field{Shape: step.ListOf(step.ShapeInt)}, "list of integer", "[17, 18]", "[]"},
		{"object", `{ code: 077 }`, region, "object {code}", `{code: "077"}`, `{code: "077"}`},
		{"open object", `{ code: 077 }`, step.Field{Shape: step.Shape{Form: step.FormObject, Open: true}}, "object {code}", `{code: "077"}`, `{code: "077"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, problems := compileYAML(t, tt.yaml, tt.want)
			require.Empty(t, problems)
			require.Equal(t, tt.shape, v.Shape().String())
			for _, bare := range []bool{false, true} {
				got, err := v.Eval(worldData(bare))
				require.NoError(t, err)
				require.Equal(t, map[bool]string{false: tt.full, true: tt.bare}[bare], literal(got))
			}
			fixed, ok := v.Literal()
			require.Equal(t, !strings.Contains(strings.ReplaceAll(tt.yaml, "$${{", ""), "${{"), ok)
			if ok {
				require.Equal(t, tt.full, literal(fixed))
			}
		})
	}
}

func TestValueProblems(t *testing.T) {
	text := step.Field{Name: "message", Shape: step.ShapeText}
	integer := step.Field{Name: "limit", Shape: step.ShapeInt, Min: number(1), Max: number(200)}
	token := step.Field{Name: "apiToken", Shape: step.ShapeSecret}
	object := step.Field{Name: "region", Shape: step.ObjectOf(step.Field{Name: "code", Shape: step.ShapeText}, step.Field{Name: "city", Shape: step.ShapeText.OrNil()})}
	tests := []struct {
		yaml    string
		want    step.Field
		problem string // code summary | hint
	}{
		{"x", integer, `wrong-type limit must be an integer, not the text "x" | write digits, without spaces, points or quotes: 1000`},
		{"client.id", integer, `wrong-type limit must be an integer, not the text "client.id" | write ${{ client.id }}`},
		{"0", integer, "out-of-range limit is 0, but at least 1 is allowed | write a number from 1 to 200"},
		{"201", integer, "out-of-range limit is 201, but at most 200 is allowed | write a number from 1 to 200"},
		{"1.5", integer, `wrong-type limit must be an integer, not the text "1.5" | write digits, without spaces, points or quotes: 1000`},
		{"${{ client.phone }}", integer, "wrong-type limit must be an integer, not a text | write ${{ int(client.phone) }}"},
		{"${{ client.balance }}", integer, "wrong-type limit must be an integer, not a number or nil | write ${{ round(client.balance) }}"},
		{"${{ nil }}", integer, "maybe-nil limit must not be nil | write a value, or take the line out"},
		{"no. ${{ client.id }}", integer, "wrong-type limit must be an integer, not a text | write one ${{ }} and nothing around it"},
		{"[1]", integer, "wrong-type limit must be an integer, not a list | write one integer: 17"},
		{"{a: 1}", text, "wrong-type message must be a text, not a map | write one text, without brackets or braces; one that begins with them goes in quotes"},
		{"", text, "wrong-type message is empty, but a text is wanted | write a value, or take the line out"},
		{"yes", step.Field{Name: "bom", Shape: step.ShapeBool}, `wrong-type bom must be a boolean, not the text "yes" | write true or false`},
		{"0x10", step.Field{Name: "share", Shape: step.ShapeNumber}, `wrong-type share must be a number, not the text "0x10" | write a number with a point: 0.5`},
		{"90", step.Field{Name: "pause", Shape: step.ShapeDuration}, "wrong-type pause must be a duration | write a number and its unit: 90d, 12h or 30m"},
		{"2026-13-01", step.Field{Name: "from", Shape: step.ShapeTime}, "wrong-type from must be a time | write a date, with or without a time: 2026-03-01 10:30"},
		{"descending", step.Field{Name: "order", Shape: step.ShapeText, Enum: []string{"asc", "desc"}}, `unknown-value order cannot be "descending" | use one of: asc, desc`},
		{"dessc", step.Field{Name: "order", Shape: step.ShapeText, Enum: []string{"asc", "desc"}}, `unknown-value order cannot be "dessc" | did you mean "desc"?`},
		{"17", step.Field{Name: "tags", Shape: step.ListOf(step.ShapeInt)}, `wrong-type tags must be a list of integer, not the text "17" | write a list: [17]`},
		{"[]", step.Field{Name: "tags", Shape: step.ListOf(step.ShapeInt), NonEmpty: true}, "empty-value tags is [] | write a value, or take the line out"},
		{`""`, step.Field{Name: "phone", Shape: step.ShapeText, NonEmpty: true}, `empty-value phone is "" | write a value, or take the line out`},
		{"", step.Field{Name: "phone", Shape: step.ShapeText, NonEmpty: true}, "empty-value phone is empty | write a value, or take the line out"},
		{"[1]", step.Field{Name: "pair", Shape: step.ListOf(step.ShapeInt), Min: number(2)}, "out-of-range pair has 1 items, but at least 2 are wanted | add what is missing"},
		{"[1, 2]", step.Field{Name: "pair", Shape: step.ListOf(step.ShapeInt), Max: number(1)}, "out-of-range pair has 2 items, but at most 1 are allowed | take out what is too much, or write several steps"},
		{"[1, x]", step.Field{Name: "tags", Shape: step.ListOf(step.ShapeInt)}, `wrong-type tags must be an integer, not the text "x" | write digits, without spaces, points or quotes: 1000`},
		{"{cod: 1}", object, `missing-parameter "code" is missing | add code: and its value`},
		{"{code: 1, ctiy: 2}", object, `unknown-parameter unknown name "ctiy" | did you mean "city"?`},
		{"77", object, `wrong-type region must be an object {code, city}, not the text "77" | write names and values below it, one a line`},
		{"abcdef", token, "literal-token a secret does not stand in the flow | write ${{ secrets.CHAT2DESK_API_TOKEN }} and set the environment variable of that name, or put the text into the file that CHAT2DESK_API_TOKEN_FILE names"},
		{"", token, "literal-token a secret does not stand in the flow | write ${{ secrets.CHAT2DESK_API_TOKEN }} and set the environment variable of that name, or put the text into the file that CHAT2DESK_API_TOKEN_FILE names"},
		{"Bearer ${{ env.STAGE }}", token, "literal-token a secret does not stand in the flow | write ${{ secrets.CHAT2DESK_API_TOKEN }} and set the environment variable of that name, or put the text into the file that CHAT2DESK_API_TOKEN_FILE names"},
		{"${{ env.STAGE }}", token, "wrong-type apiToken must be a secret, not a text | write ${{ secrets.NAME }} and set the environment variable NAME"},
		{"${{ secrets.TOKEN }}", text, "secret-not-allowed a secret may not be used here | a value that is no secret belongs into `inputs` or `env`"},
		{"${{ client.vip }} it is", text, `not-text a boolean cannot stand in a text | write client.vip ? "yes" : "no"`},
		{"in ${{ inputs.pause }}", text, `not-text a duration cannot stand in a text | write formatDuration(inputs.pause, "H:mm")`},
		{"${{ inputs.tags }} are tags", text, `not-text a list of integer cannot stand in a text | write join(map(inputs.tags, string(#)), ", ")`},
		{"${{ steps.clients.outputs.clients }}", text, `not-text a list of object {id, phone, name, assigned_name, last_client_message, balance, …} cannot stand in a text | write join(map(steps.clients.outputs.clients, .name), ", "), with the field that you want`},
		{"${{ client }}", text, "not-text an object {id, phone, name, assigned_name, last_client_message, balance, …} cannot stand in a text | name a field of it: client.name"},
		{"${{ nil }}", text, "not-text nil cannot stand in a text | take it out, or write the text that is meant"},
		{"${{ split(client.phone, \"9\") }}!", text, `not-text a list of text cannot stand in a text | write join(split(client.phone, "9"), ", ")`},
		{"Hi ${{ client.name }}", text, "maybe-nil this part of a text may be nil: client.name | write ${{ client.name ?? \"…\" }} with what stands there instead, or leave those out with `if`"},
		{"Hi ${{ }}", text, "expression-syntax an expression is missing between ${{ and }} | write one, for instance ${{ client.name }}; for the characters themselves write $${{"},
		{"Hi ${{ client.id", text, "unterminated-expression ${{ is not closed | close it with }}; for the characters themselves write $${{"},
		{"Hi ${{ client.id }", text, "unterminated-expression ${{ is not closed | close it with }}; for the characters themselves write $${{"},
		{"Hi ${{ client.id } }", text, "unterminated-expression ${{ is not closed | close it with }}; for the characters themselves write $${{"},
		{"Hi ${{ len(client.phone }} there", text, `expression-syntax "(" is not closed | add the bracket that closes it, in the order in which they were opened`},
		{"'Hi ${{ \"a }} there'", text, `expression-syntax a text in quotes is not closed | close it with the quote that opened it; a quote inside is written \"`},
		{"Hi ${{ client.id @ }} there", text, `expression-syntax unrecognized character: U+0040 '@' | text goes in quotes: "…"`},
		{"Hi ${{ client.id /* why */ }}", text, "comment-in-expression there are no comments in expressions | write the comment in YAML, with #, on a line of its own above; text with // or /* goes in quotes"},
		{"Hi {{ client.name }}", text, "missing-dollar this would be shown as it is, not its value | write ${{ client.name }}"},
		{"Hi ${client.id}, ${{ client.id }}", text, "missing-dollar this would be shown as it is, not its value | write ${{ client.id }}"},
		{"Hi ${{ “x” }}", text, `expression-syntax these quotes are not understood | write straight quotes: "…"`},
		{strings.Repeat("я", MaxText+1), text, "text-too-long the text has 4097 characters; at most 4096 are allowed | shorten it, or send it in two steps"},
	}
	for _, tt := range tests {
		t.Run(tt.yaml[:min(len(tt.yaml), 40)]+" for "+tt.want.Name, func(t *testing.T) {
			v, problems := compileYAML(t, tt.yaml, tt.want)
			require.Nil(t, v)
			var found []string
			for _, d := range problems {
				found = append(found, fmt.Sprintf("%s %s | %s", d.Code, d.Summary, d.Hint))
				require.Equal(t, "flow.yaml", d.Span.File)
				require.Positive(t, d.Span.Start.Line)
			}
			require.Contains(t, found, tt.problem)
		})
	}
}

func TestAllProblemsOfAValueAtOnce(t *testing.T) {
	v, problems := compileYAML(t, "\na: ${{ client.nme }}\nb: [1, \"${{ clint.id }}\"]\nc: Hi ${{ client.name }} and ${{ client.last }}", step.Field{Shape: step.ShapeAny})
	require.Nil(t, v)
	var places []string
	for _, d := range problems {
		places = append(places, fmt.Sprintf("%s %s", d.Span, d.Code))
	}
	require.Equal(t, []string{
		"flow.yaml:2:17 unknown-field", "flow.yaml:3:15 unknown-name", "flow.yaml:4:13 maybe-nil", "flow.yaml:4:43 unknown-field",
	}, places)
}

func TestSecrets(t *testing.T) {
	token := step.Field{Name: "apiToken", Shape: step.ShapeSecret}
	for yaml, want := range map[string]string{
		"${{ secrets.TOKEN }}":                              "t0ps3cret",
		"${{ secrets.RAW }}":                                "r4w",
		"Bearer ${{ secrets.RAW }}":                         "Bearer r4w",
		"${{ secrets.TOKEN }}:${{ client.id }}":             "t0ps3cret:1",
		"'${{ client.vip ? secrets.TOKEN : secrets.RAW }}'": "t0ps3cret",
	} {
		v, problems := compileYAML(t, yaml, token)
		require.Empty(t, problems, yaml)
		require.Equal(t, step.FormSecret, v.Shape().Form)
		got, err := v.Eval(worldData(false))
		require.NoError(t, err)
		require.Equal(t, want, got.(step.Secret).Reveal(), yaml)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", got, got, got), want)
		_, static := v.Literal()
		require.False(t, static)
	}
}

func TestReferences(t *testing.T) {
	stream := step.Field{Name: "items", Shape: step.StreamShape(step.ShapeAny)}
	v, problems := compileYAML(t, "${{ steps.clients.outputs.clients }}", stream)
	require.Empty(t, problems)
	require.True(t, v.Shape().Stream)
	ref, ok := v.Reference()
	require.True(t, ok)
	require.Equal(t, []string{"steps", "clients", "outputs", "clients"}, ref.Path)
	require.Equal(t, "flow.yaml:1:8", ref.Span.String())

	// What a reference names goes through untouched, whatever it is.
	passing := step.StreamOf(func(func(any, error) bool) {})
	env := map[string]any{"steps": map[string]any{"clients": map[string]any{"outputs": map[string]any{"clients": passing}}}}
	got, err := v.Eval(env)
	require.NoError(t, err)
	require.IsType(t, passing, got)

	for _, yaml := range []string{"${{ filter(steps.clients.outputs.clients, .vip) }}", "${{ steps.clients.outputs.clients ?? [] }}"} {
		v, problems = compileYAML(t, yaml, stream)
		require.Empty(t, problems)
		require.False(t, v.Shape().Stream, yaml)
		_, ok = v.Reference()
		require.False(t, ok)
	}

	v, problems = compileYAML(t, "'Hi ${{ client.name ?? inputs.promo }}, ${{ map(inputs.tags, # + client.id)[0] ?? 0 }}'", step.Field{Shape: step.ShapeText})
	require.Empty(t, problems)
	var paths []string
	for _, r := range v.Refs() {
		paths = append(paths, strings.Join(r.Path, "."))
	}
	require.Equal(t, []string{"client.name", "inputs.promo", "inputs.tags", "client.id"}, paths)
}

func TestOutcomesAreKnownOfValues(t *testing.T) {
	for yaml, want := range map[string]bool{
		"No. ${{ steps.send.outputs.messageId ?? 0 }}":     true,
		"No. ${{ steps.outreach.outputs.planned }}":        false,
		"${{ steps.outreach.outputs.items }}":              true,
		"[\"${{ steps.send.status }}\"]":                   true,
		"{ a: \"${{ steps.send.status }}\" }":              true,
		"${{ map(steps.outreach.outputs.items, .index) }}": false,
	} {
		v, problems := compileYAML(t, yaml, step.Field{Shape: step.ShapeAny})
		require.Empty(t, problems, yaml)
		require.Equal(t, want, v.Shape().HasOutcome(), yaml)
	}
}

func TestNamedKeepsOrderAndMissesBraces(t *testing.T) {
	to := step.Field{Name: "to", Named: true, Shape: step.Shape{Form: step.FormObject, Open: true}}
	v, problems := compileYAML(t, "\nzip: ${{ item.id }}\nname: ${{ item.text }}\nkind: fixed\nn: 5", to)
	require.Empty(t, problems)
	require.Equal(t, []string{"zip", "name", "kind", "n"}, v.Shape().Names())
	got, err := v.Eval(worldData(false))
	require.NoError(t, err)
	require.Equal(t, step.Named[any]{{Name: "zip", Value: 12}, {Name: "name", Value: "Not interested"}, {Name: "kind", Value: "fixed"}, {Name: "n", Value: 5}}, got)

	_, problems = compileYAML(t, "\nid: item.id\ntext: lower(item.text ?? \"\")\nfine: item", to)
	require.Len(t, problems, 3)
	require.Equal(t, "missing-braces", problems[0].Code)
	require.Equal(t, "write ${{ item.id }}, or quote it if the letters are meant", problems[0].Hint)

	_, problems = compileYAML(t, "[1]", to)
	require.Equal(t, "wrong-type", problems[0].Code)

	columns := step.Field{Name: "columns", Named: true, Enum: []string{"text", "integer"}, Shape: step.Shape{Form: step.FormObject, Open: true}}
	_, problems = compileYAML(t, "{ id: integer, at: txt }", columns)
	require.Len(t, problems, 1)
	require.Equal(t, `did you mean "text"?`, problems[0].Hint)
}

func TestBareValuesAreBound(t *testing.T) {
	where := step.Field{Name: "where", Bare: true, Bool: true, Item: "items", Shape: step.ShapeBool}
	n, _ := yamlNode(t, `v: item.text != nil and lower(item.text) contains inputs.promo`)
	v, problems := CompileValue(n, worldScope(time.UTC), where)
	require.Empty(t, problems)
	require.NotNil(t, v.Expr())
	got, err := v.Eval(map[string]any{"inputs": map[string]any{"promo": "x"}})
	require.NoError(t, err)
	predicate := got.(step.Predicate)
	for text, want := range map[any]bool{"aXb": true, "b": false, nil: false} {
		held, err := predicate.Test(map[string]any{"text": text})
		require.NoError(t, err)
		require.Equal(t, want, held)
	}
	_, err = predicate.Test(map[string]any{"text": 5})
	require.Error(t, err)

	by := step.Field{Name: "by", Bare: true, Item: "items", Shape: step.ShapeAny}
	n, _ = yamlNode(t, `v: item.created`)
	v, problems = CompileValue(n, worldScope(time.UTC), by)
	require.Empty(t, problems)
	require.Equal(t, step.FormTime, v.Shape().Form)
	require.Equal(t, "item.created", v.Expr().Source())
}

func TestRenderedTextHasACap(t *testing.T) {
	v, problems := compileYAML(t, `Hi ${{ repeat(inputs.promo, 1000) }}`, step.Field{Name: "message", Shape: step.ShapeText})
	require.Empty(t, problems)
	_, err := v.Eval(worldData(false))
	require.ErrorContains(t, err, "the text has 6003 characters; at most 4096 are allowed")
	require.Equal(t, "flow.yaml:1:4", err.(*EvalError).Span.String())

	v, problems = compileYAML(t, `${{ "" }}${{ repeat("\n", 9000) }}`, step.Field{Name: "message", Shape: step.ShapeText})
	require.Empty(t, problems)
	got, err := v.Eval(nil)
	require.NoError(t, err)
	require.Empty(t, got, "newlines at the end do not count")
}

func TestBrokenNodesAreSilent(t *testing.T) {
	broken := &flow.Node{Broken: true}
	v, problems := CompileValue(broken, NewScope(nil), step.Field{Shape: step.ShapeText})
	require.Nil(t, v)
	require.Empty(t, problems)
	e, problems := CompileExpr(broken, NewScope(nil), step.ShapeBool)
	require.Nil(t, e)
	require.Empty(t, problems)
}

// TestPathsAreReadAsByTheMachine holds what a path gives without the machine to what
// it gives with it, also where something on its way is nil or absent.
func TestPathsAreReadAsByTheMachine(t *testing.T) {
	paths := []string{
		"client", "client.id", "client.name", "client.vip", "client.balance", "client.lists", "client.region", "client.region?.code", `client["phone"]`, "index",
		"inputs.ratio", "inputs.tags", "run.now", "steps.send.status", "steps.find.outputs.client?.region?.city", "steps.find.outputs.client?.balance",
		"steps.read.outputs.value", "steps.read.outputs.value?.n", "steps.read.outputs.value?.none", "steps.read.outputs.value?.n?.m", "steps.clients.outputs.clients", "item.created",
	}
	for _, path := range paths {
		e := mustExpr(t, worldScope(time.UTC), path)
		require.NotNil(t, e.pure, path)
		machine := *e
		machine.pure = nil
		envs := []map[string]any{worldData(false), worldData(true), {}, {"client": nil, "steps": map[string]any{"find": 7}}}
		for _, env := range envs {
			want, wantErr := machine.Eval(env)
			got, err := e.Eval(env)
			require.Equal(t, want, got, path)
			require.Equal(t, wantErr, err, path)
		}
	}
}
