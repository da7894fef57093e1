package cli

import "github.com/spf13/cobra"

// topics are the pages of `flowrunner help TOPIC`.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What each exit code means", Long: exitCodesTopic},
		{Use: "environment", Short: "The environment variables that are read", Long: environmentTopic},
		{Use: "state", Short: "What is kept on disk, and where", Long: stateTopic},
		{Use: "expressions", Short: "Expressions and templates in short", Long: expressionsTopic},
	}
}

const exitCodesTopic = `Exit codes

   0  done
   1  a step failed, or a file could not be written
   2  there is something to send (plan --detailed-exitcode)
   3  the flow is invalid
   4  the token is missing, or the API refused it
   5  the API refused the message for some recipients
   6  a rail of guard: has stopped it
   7  for some messages nobody knows whether they went out
   8  another process runs the same flow and campaign
   9  the plan no longer fits, or was applied before
  10  the API cannot be reached; what is left can be resumed
  11  there is no ledger, or not the one that was here or the project's
  64  the command line or an input is wrong
 130  interrupted by Ctrl-C or flowrunner stop; can be resumed
 143  interrupted by SIGTERM; can be resumed

Where several hold, the first of this list counts:
130 or 143, 4, 9, 8, 11, 6, 10, 7, 5, 1.

What to do

The same command again is safe: it goes on where the last run stopped, and
whoever has the message is not written to again. What happened is in
flowrunner runs show last.

   1  read the line that the error points at
   3  flowrunner validate FILE shows every problem, explain CODE explains one
   4  set the token; or the base URL is wrong: a token belongs to one host
   5  see who and why; they are not tried again by themselves
   6  more planned than maxSends: look at flowrunner plan before you raise it;
      too many refused: see why, then go on with the same command
   7  look at the chats, then flowrunner runs resolve
   8  wait for the other process; the error names it
   9  make a new plan; an unfinished run is finished by flowrunner resume, or
      given up with --abandon
  10  later, the same command
  11  find the ledger and bring it back; --new-ledger means everybody again
  64  correct the command line`

const environmentTopic = `Environment variables

  CHAT2DESK_API_TOKEN   the API token, unless the flow names another secret
  CHAT2DESK_BASE_URL    scheme and host of the API, unless connection.baseUrl
                        or --base-url says otherwise
  NAME_FILE             a file to read the secret NAME from when NAME itself
                        is not set, such as CHAT2DESK_API_TOKEN_FILE
  FLOWRUNNER_VAR_name   the input name; --var wins over it, --var-file does not
  NO_COLOR              any value: no colours, unless --color always
  CI                    any value but false: nobody is asked

There is no flag for a token: the list of processes shows command lines to
everybody on the machine.`

const stateTopic = `State

A flow's memory is the folder .flowrunner beside flowrunner.yaml, which is
looked for from the flow's folder upward, else beside the flow. --state names
another folder. It belongs to its owner alone and is never for git.

  ledger.db             who was sent what, and when: keep it, and back it up
  ledger.mark           which ledger was here: an older copy of it is noticed
  runs/ID/plan.jsonl    what the run was going to send, with its flow and inputs
  runs/ID/events.jsonl  what happened, line by line
  locks/                one runner for each flow and campaign
  sandbox/              the same for --sandbox, with the messages it accepted

Without its ledger flowrunner would write to everybody again. So where nobody
can be asked, a run that finds no ledger sends nothing and exits with 11.
flowrunner ledger export takes it elsewhere, ledger import brings it back.
A project pins its ledger in flowrunner.yaml, which flowrunner init writes:

  ledger: the-id-of-the-ledger
  guard:
    maxSends: 5000`

const expressionsTopic = `Expressions

${{ ... }} holds one expression. A value that is nothing else keeps its type;
mixed with text it becomes text. if, where, key, by and that take the bare
expression, without ${{ }}.

  inputs.NAME              an input
  steps.ID.outputs.NAME    what a step gave; steps.ID.status what became of it
  secrets.NAME             where a token belongs, and nowhere else
  env.NAME                 a variable that the flow lists under env:
  run.id, run.now          this run, and the moment that it was planned at
  item (or the as: name)   the record of a loop; in where and by always item

  client.name ?? "friend"                  a way out where there may be nothing
  within(item.last_client_message, "90d")  false where there is no time
  format(visit.at, "d MMMM, HH:mm", "ru")  a time as text
  plural(n, "визит", "визита", "визитов")  a word for a count
  none(list, .type == "from_client")       predicates over lists

Everything is checked before anything runs: flowrunner validate FILE.`
