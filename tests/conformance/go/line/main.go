// Checks one line of a log with Go's own packages, knowing nothing of this project:
//
//	verify VKEY PROOF LEAF
//
// VKEY is the log's key, PROOF a .tlog-proof file, LEAF a file with the 65 bytes of the line. Exit 0: the checkpoint
// is signed by that key and the line stands in the log. Exit 1: it doesn't.
package main

import (
	"bytes"
	"fmt"
	"io/ioutil"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const header = "c2sp.org/tlog-proof@v1\nindex "

func check(vkey string, proof, leaf []byte) (string, error) {
	head, checkpoint, found := bytes.Cut(proof, []byte("\n\n"))
	if !found || !strings.HasPrefix(string(head), header) {
		return "", fmt.Errorf("not a tlog-proof")
	}
	lines := strings.Split(strings.TrimPrefix(string(head), header), "\n")
	index, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return "", err
	}
	var path tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return "", err
		}
		path = append(path, hash)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	rows := strings.Split(opened.Text, "\n")
	if len(rows) != 4 || rows[0] != verifier.Name() {
		return "", fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(rows[1], 10, 64)
	if err != nil {
		return "", err
	}
	root, err := tlog.ParseHash(rows[2])
	if err != nil {
		return "", err
	}
	if err := tlog.CheckRecord(path, size, root, index, tlog.RecordHash(leaf)); err != nil {
		return "", err
	}
	return fmt.Sprintf("line %d of %d in %s", index, size, rows[0]), nil
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("usage: verify VKEY PROOF LEAF")
	}
	proof, err := ioutil.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	leaf, err := ioutil.ReadFile(arguments[2])
	if err != nil {
		return err
	}
	said, err := check(arguments[0], proof, leaf)
	if err != nil {
		return err
	}
	fmt.Println(said)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
