package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/samber/lo"
)

// serve answers a problem a line with an answer a line, so that a thousand small problems start one process. A problem that
// cannot be read, or that Karpenter breaks on, is answered by {"error": …}.
func serve(in io.Reader, out io.Writer, s settings) {
	lines := bufio.NewReaderSize(in, 1<<20)
	answers := json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			lo.Must0(answers.Encode(answer(line, s)))
		}
		if err != nil {
			return
		}
	}
}

func answer(line []byte, s settings) (out any) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case inputError:
			out = map[string]string{"error": failure.Error()}
		default:
			out = map[string]string{"error": fmt.Sprintf("panic: %v\n%s", failure, debug.Stack())}
		}
	}()
	return solve(read(line), s)
}
