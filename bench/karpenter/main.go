// Command karpenter runs the scheduler of Karpenter's Go core, and its search for nodes to consolidate, on problems in JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/pprof"

	"github.com/samber/lo"
)

const usage = `usage: karpenter <command> [flags] [problem.json]

  gen          write a problem: the pods of Karpenter's own benchmark
  solve        where the pods of a problem go
  serve        the same for problems on stdin, one a line; one answer a line
  consolidate  which nodes of a problem would go, by each of Karpenter's methods

karpenter <command> -h lists the flags.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case inputError:
			fmt.Fprintf(os.Stderr, "karpenter: %v\n", failure)
			os.Exit(2)
		default:
			panic(failure)
		}
	}()
	run(os.Args[1], os.Args[2:])
}

func run(command string, args []string) {
	var s settings
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	flags.IntVar(&s.runs, "runs", 1, "how often to solve, each time with a fresh scheduler")
	flags.IntVar(&s.limit, "options", math.MaxInt, "how many instance types to name for each new node")
	flags.DurationVar(&s.timeout, "timeout", 0, "end Solve after this long; Karpenter's provisioner takes 1m, 0 never ends it")
	flags.IntVar(&s.concurrency, "concurrency", 0, "workers of Solve, instead of what the problem says")
	flags.StringVar(&s.method, "method", "", "consolidate: only by empty, multi or single")
	profile := flags.String("cpuprofile", "", "write a CPU profile to this file")
	to := flags.String("o", "", "write the answer to this file instead of stdout")
	mix := flags.String("mix", "diverse", "gen: diverse or preference")
	pods, types := flags.Int("pods", 1000, "gen: how many pods"), flags.Int("types", 400, "gen: how many instance types")
	seed := flags.Int64("seed", 42, "gen: of all that is random")
	_ = flags.Parse(args)
	if *profile != "" {
		file := lo.Must(os.Create(*profile))
		lo.Must0(pprof.StartCPUProfile(file))
		defer pprof.StopCPUProfile()
	}
	problem := func() *Problem { return read(bytesOf(flags.Arg(0))) }
	switch command {
	case "gen":
		write(*to, generate(*mix, *pods, *types, *seed))
	case "solve":
		write(*to, solve(problem(), s))
	case "serve":
		serve(os.Stdin, os.Stdout, s)
	case "consolidate":
		write(*to, consolidate(problem(), s))
	default:
		blame("unknown command %q\n\n%s", command, usage)
	}
}

func bytesOf(path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		blame("%v", err)
	}
	return raw
}

func write(path string, value any) {
	var out io.WriteCloser = os.Stdout
	if path != "" {
		out = lo.Must(os.Create(path))
	}
	defer out.Close()
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", " ")
	lo.Must0(encoder.Encode(value))
}
