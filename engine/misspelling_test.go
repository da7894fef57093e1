package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// everything is a good flow that names one of each: keys, kinds, parameters,
// steps, outputs, fields, functions, inputs, words.
const everything = `flow: everything
campaign: spring
oncePer: month
env: [STAGE]
inputs:
  promo: { type: string, default: SALE }
  people: { type: list, items: integer, default: [101] }
connection: { timezone: Europe/Moscow, rate: 10/s }
guard: { maxSends: 100, stopIf: failed > 3 and failureRate > 0.5 }
steps:
  - id: clients
    uses: chat2desk_list_clients
    retry: { attempts: 3, backoff: 2s }
    onError: stop
    with:
      limit: 100
      order: asc
  - id: recent
    uses: filter
    with:
      items: ${{ steps.clients.outputs.clients }}
      where: within(item.last_client_message, "90d") and lower(item.assigned_name ?? "") != "anna"
  - id: rows
    uses: read_csv
    with:
      path: rows.csv
      columns: { phone: string, amount: number }
      onBadRow: skip
  - id: both
    uses: join
    with:
      left: ${{ steps.rows.outputs.rows }}
      right: ${{ steps.recent.outputs.items }}
      leftKey: item.phone
      rightKey: item.client_phone
      kind: inner
  - id: outreach
    forEach: ${{ steps.both.outputs.items }}
    as: pair
    concurrency: 4
    steps:
      - id: history
        uses: chat2desk_list_messages
        with:
          contactId: ${{ pair.right.id }}
          type: from_client
      - id: send
        if: none(steps.history.outputs.messages, .transport == "whatsapp") and pair.left.amount != nil
        else: uses whatsapp
        uses: chat2desk_send_message
        key: string(pair.right.id)
        with:
          contactId: ${{ pair.right.id }}
          message: >-
            ${{ pair.right.username ?? "Friend" }}, ${{ inputs.promo }} in ${{ env.STAGE ?? "all" }}:
            ${{ truncate(first(steps.history.outputs.messages)?.text ?? "", 20) }}
            ${{ sortBy(steps.history.outputs.messages, .created, "desc")[0]?.status ?? "" }}
            ${{ index + 1 }} of ${{ steps.recent.outputs.count }}, ${{ run.id }}
  - id: people
    forEach: ${{ inputs.people }}
    uses: print
    with: { message: "${{ item }}" }
  - id: welcome
    uses: ./greet.yaml
    with: { contact: 101, name: "${{ inputs.promo }}" }
finally:
  - id: report
    if: steps.outreach.status != "skipped"
    uses: write_csv
    with:
      path: out.csv
      rows: ${{ steps.outreach.outputs.items }}
      columns: [contactId, status]
outputs:
  sent: ${{ steps.outreach.outputs.sent }}
  left: ${{ steps.outreach.outputs.leftOut }}
  greeting: ${{ steps.welcome.outputs.message }}
`

func TestEverythingIsGood(t *testing.T) {
	_, problems := check("flow.yaml", []byte(everything))
	require.Empty(t, diag.FormatAll(problems, []byte(everything)))
}

// One misspelt name is one problem, exactly there, with the right name.
func TestMisspellings(t *testing.T) {
	for _, c := range []struct {
		place string // what is replaced; the token to misspell in ‹ ›
		wrong string
	}{
		// keys of the grammar
		{"‹campaign›: spring", "campain"},
		{"‹inputs›:\n", "input"},
		{"‹env›: [", "envs"},
		{"‹connection›: {", "conection"},
		{"‹guard›: {", "gaurd"},
		{"‹uses›: filter", "use"},
		{"‹with›:\n      limit", "wiht"},
		{"‹with›: { message", "wih"},
		{"‹forEach›: ${{ steps.both", "foreach"},
		{"‹as›: pair", "ass"},
		{"‹if›: none(", "iff"},
		{"‹id›: recent", "idd"},
		{"‹finally›:", "finaly"},
		{"‹oncePer›: month", "once_per"},
		{"type: string, ‹default›: SALE", "defualt"},
		{"‹timezone›: Europe", "timeZone"},
		{"‹rate›: 10/s", "rates"},
		{"‹maxSends›: 100", "maxsends"},
		{"‹stopIf›: failed", "stopif"},
		{"‹retry›: {", "rety"},
		{"‹attempts›: 3", "attempt"},
		{"‹onError›: stop", "on_error"},
		{"‹concurrency›: 4", "concurency"},
		{"‹else›: uses", "els"},
		{"‹key›: string(", "keys"},
		{"‹outputs›:\n  sent", "output"},
		// words of keys
		{"oncePer: ‹month›", "monthly"},
		{"onError: ‹stop›", "stopp"},
		{"promo: { type: ‹string›", "sting"},
		{"items: ‹integer›", "interger"},
		// kinds
		{"uses: ‹chat2desk_list_clients›", "chat2desk_list_client"},
		{"uses: ‹filter›", "fliter"},
		{"uses: ‹read_csv›", "readCsv"},
		{"uses: ‹join›", "joins"},
		{"uses: ‹chat2desk_send_message›", "chat2desk_send_mesage"},
		{"uses: ‹print›", "prnt"},
		{"uses: ‹write_csv›", "write_cvs"},
		// parameters
		{"‹limit›: 100", "limits"},
		{"‹where›: within", "wehre"},
		{"‹columns›: { phone", "colums"},
		{"‹onBadRow›: skip", "onBadRows"},
		{"‹leftKey›: item", "left_key"},
		{"‹contactId›: ${{ pair.right.id }}\n          type", "contact_id"},
		{"‹message›: >-", "mesage"},
		// values that a parameter enumerates
		{"order: ‹asc›", "asce"},
		{"amount: ‹number›", "numbr"},
		{"onBadRow: ‹skip›", "skipp"},
		{"kind: ‹inner›", "iner"},
		{"type: ‹from_client›", "from_clients"},
		// step ids
		{"${{ steps.‹clients›.outputs", "cleints"},
		{"${{ steps.‹rows›.outputs", "row"},
		{"none(steps.‹history›.outputs", "hstory"},
		{"first(steps.‹history›.outputs", "histroy"},
		{"if: steps.‹outreach›.status", "outrech"},
		// what a step has
		{"steps.both.‹outputs›.items", "output"},
		{"steps.outreach.‹status› !=", "statuss"},
		{"steps.clients.outputs.‹clients› }}", "client"},
		{"steps.rows.outputs.‹rows› }}", "row"},
		{"steps.recent.outputs.‹count› }}", "cuont"},
		{"steps.outreach.outputs.‹sent› }}", "snet"},
		{"steps.outreach.outputs.‹leftOut› }}", "left_out"},
		// fields of records
		{"within(item.‹last_client_message›", "last_client_mesage"},
		{"lower(item.‹assigned_name›", "assignedName"},
		{"leftKey: item.‹phone›", "phnoe"},
		{"rightKey: item.‹client_phone›", "clientphone"},
		{"pair.left.‹amount› !=", "ammount"},
		{"pair.‹left›.amount !=", "lefts"},
		{"pair.right.‹username› ??", "user_name"},
		{".‹transport› ==", "trnsport"},
		{"messages)?.‹text› ??", "txt"},
		{"messages, .‹created›, ", "creatd"},
		{"[0]?.‹status› ??", "statsu"},
		// another flow, what it takes and what it gives
		{"uses: ‹./greet.yaml›", "./gret.yaml"},
		{"with: { ‹contact›: 101", "contcat"},
		{"101, ‹name›: \"${{", "nmae"},
		{"steps.‹welcome›.outputs.message", "welcom"},
		{"steps.welcome.outputs.‹message›", "mesage"},
		// names
		{"contactId: ${{ ‹pair›.right.id }}\n          type", "piar"},
		{"if: ‹none›(", "non"},
		{"where: ‹within›(", "withn"},
		{"and ‹lower›(item", "lowr"},
		{"${{ ‹truncate›(", "trunkate"},
		{"${{ ‹sortBy›(", "sortby"},
		{"key: ‹string›(", "sting"},
		{"${{ ‹index› + 1", "indx"},
		{"${{ run.‹id› }}", "idd"},
		{"env.‹STAGE› ??", "STAG"},
		{"${{ inputs.‹promo› }} in", "prmo"},
		{"${{ ‹inputs›.people", "input"},
		{"stopIf: ‹failed› >", "faild"},
		{"and ‹failureRate› >", "failurerate"},
	} {
		t.Run(c.place+" "+c.wrong, func(t *testing.T) {
			begin, rest, _ := strings.Cut(c.place, "‹")
			right, end, ok := strings.Cut(rest, "›")
			require.True(t, ok)
			require.Equal(t, 1, strings.Count(everything, begin+right+end), "the place is not unique")
			source := strings.Replace(everything, begin+right+end, begin+c.wrong+end, 1)
			before := source[:strings.Index(source, begin+c.wrong+end)+len(begin)]
			line := strings.Count(before, "\n") + 1
			col := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1

			_, problems := check("flow.yaml", []byte(source))
			require.Len(t, problems, 1, "%s", diag.FormatAll(problems, []byte(source)))
			d := problems[0]
			require.Equal(t, fmt.Sprintf("flow.yaml:%d:%d", line, col), d.Span.String(), d.Summary)
			require.Equal(t, c.wrong, source[d.Span.Start.Offset:d.Span.End.Offset])
			require.Equal(t, fmt.Sprintf("did you mean %q?", right), d.Hint, d.Summary)
		})
	}
}
