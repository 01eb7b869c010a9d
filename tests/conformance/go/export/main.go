// Checks a citizen's proof.json with Go's own packages for signed notes and tiled logs, knowing nothing of this project
// but the formats that VERIFY.txt tells:
//
//	export VKEY proof.json [TILES [OLDER...]]
//
// VKEY is the published identity key, TILES a folder of tiles of the same log, each OLDER a file with one of its earlier
// checkpoints. Exit 0: all of it holds. Exit 1: it doesn't; the first thing that is wrong is printed.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tree struct {
	origin string
	size   int64
	root   tlog.Hash
	text   string
}

// opened is a checkpoint signed by that key.
func opened(raw string, verifier note.Verifier) (tree, error) {
	signed, err := note.Open([]byte(raw), note.VerifierList(verifier))
	if err != nil {
		return tree{}, err
	}
	rows := strings.Split(signed.Text, "\n")
	if len(rows) != 4 || rows[0] != verifier.Name() {
		return tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(rows[1], 10, 64)
	if err != nil {
		return tree{}, err
	}
	root, err := tlog.ParseHash(rows[2])
	return tree{rows[0], size, root, signed.Text}, err
}

func (t tree) has(index int64, leaf []byte, path [][]byte) error {
	proof := make(tlog.RecordProof, len(path))
	for at, node := range path {
		if len(node) != tlog.HashSize {
			return fmt.Errorf("a hash has 32 bytes")
		}
		copy(proof[at][:], node)
	}
	if err := tlog.CheckRecord(proof, t.size, t.root, index, tlog.RecordHash(leaf)); err != nil {
		return fmt.Errorf("%s at %d: %v", t.origin, index, err)
	}
	return nil
}

// opens says whether salt and event are what the leaf commits to.
func opens(leaf, salt, event []byte) bool {
	commit := sha256.Sum256(append(append([]byte("einmal/commit/v1\x00"), salt...), event...))
	return len(leaf) == 65 && leaf[0] == 1 && len(salt) == 32 && bytes.Equal(leaf[33:], commit[:])
}

func (s shard) check(identity note.Verifier) (checked, error) {
	var said struct{ Keys string }
	if err := json.Unmarshal(s.Start.Event, &said); err != nil {
		return checked{}, err
	}
	system := sha256.Sum256([]byte("einmal/system/v1|" + s.Origin))
	if !opens(s.Start.Leaf, s.Start.Salt, s.Start.Event) || !bytes.Equal(s.Start.Leaf[1:33], system[:]) {
		return checked{}, fmt.Errorf("leaf 0 of %s does not open", s.Origin)
	}
	statement, err := note.Open([]byte(said.Keys), note.VerifierList(identity))
	if err != nil {
		return checked{}, fmt.Errorf("the keys of %s: %v", s.Origin, err)
	}
	keys := strings.Split(statement.Text, "\n")
	if len(keys) != 6 || keys[0] != "einmal/keys/v1" || keys[1] != s.Origin {
		return checked{}, fmt.Errorf("not a key statement of %s", s.Origin)
	}
	logKey, err := note.NewVerifier(keys[2])
	if err != nil {
		return checked{}, err
	}
	indexKey, err := note.NewVerifier(keys[3])
	if err != nil {
		return checked{}, err
	}
	var vrf binaryText
	if err := json.Unmarshal([]byte(strconv.Quote(keys[4])), &vrf); err != nil {
		return checked{}, err
	}
	log, err := opened(s.Log.Checkpoint, logKey)
	if err != nil {
		return checked{}, err
	}
	output, err := opened(s.Index.Checkpoint, indexKey)
	if err != nil {
		return checked{}, err
	}
	if err := log.has(0, s.Start.Leaf, plain(s.Start.Proof)); err != nil {
		return checked{}, err
	}
	found := checked{s.Origin, log, output, vrf, map[int64]tlog.Hash{0: tlog.RecordHash(s.Start.Leaf)}}
	index, err := s.Index.check(found)
	if err != nil {
		return checked{}, err
	}
	for _, one := range s.Subjects {
		if err := one.check(found, index); err != nil {
			return checked{}, fmt.Errorf("%s: %v", s.Origin, err)
		}
	}
	return found, nil
}

// check says which index the output log's last leaf names, for this very head of the log.
func (i index) check(in checked) (tree, error) {
	if i.Position != in.output.size-1 {
		return tree{}, fmt.Errorf("not the newest epoch of %s", in.origin)
	}
	if err := in.output.has(i.Position, i.Leaf, plain(i.Proof)); err != nil {
		return tree{}, err
	}
	var said struct {
		Log       string
		IndexRoot []byte `json:"index_root"`
		IndexSize int64  `json:"index_size"`
	}
	if err := json.Unmarshal(i.Leaf, &said); err != nil {
		return tree{}, err
	}
	if text := said.Log[:strings.LastIndex(said.Log, "\n\n")+1]; text != in.log.text {
		return tree{}, fmt.Errorf("the index of %s is for another head", in.origin)
	}
	if !bytes.Equal(said.IndexRoot, i.Root) || said.IndexSize != i.Size || len(i.Root) != tlog.HashSize {
		return tree{}, fmt.Errorf("not the index of %s that its epoch names", in.origin)
	}
	found := tree{origin: in.origin + " index", size: i.Size}
	copy(found.root[:], i.Root)
	return found, nil
}

func (s subject) check(in checked, index tree) error {
	shown, err := beta(in.vrf, []byte("einmal/label/v1|"+in.origin+"|"+s.Subject), s.Proof)
	if err != nil {
		return err
	}
	if !bytes.Equal(shown[:32], s.Label) {
		return fmt.Errorf("not the label that the VRF proof shows")
	}
	var positions []tlog.Hash
	last := int64(-1)
	for _, entry := range s.Entries {
		if entry.Index <= last || len(entry.Leaf) != 65 || !bytes.Equal(entry.Leaf[1:33], s.Label) {
			return fmt.Errorf("an entry is not this person's, or out of order")
		}
		if entry.Withheld == nil && !opens(entry.Leaf, entry.Salt, entry.Event) {
			return fmt.Errorf("entry %d does not open", entry.Index)
		}
		if err := in.log.has(entry.Index, entry.Leaf, plain(entry.Proof)); err != nil {
			return err
		}
		in.leaves[entry.Index] = tlog.RecordHash(entry.Leaf)
		positions = append(positions, tlog.RecordHash(u64(entry.Index)))
		last = entry.Index
		entries++
	}
	labels++
	if len(positions) == 0 {
		return s.Absence.check(s.Label, index)
	}
	if s.Position == nil {
		return fmt.Errorf("its place in the index is missing")
	}
	root := over(positions)
	leaf := bytes.Join([][]byte{[]byte("einmal/index/v1\x00"), s.Label, u64(int64(len(positions))), root[:]}, nil)
	return index.has(*s.Position, leaf, plain(s.LabelProof))
}

// check says that the two neighbours are in the index, next to each other and around the label.
func (a *absence) check(label []byte, index tree) error {
	if a == nil {
		return fmt.Errorf("nothing shows that the label is not in the index")
	}
	before, after := int64(-1), index.size
	if a.Left != nil {
		if err := index.has(a.Left.Position, a.Left.Leaf, plain(a.Left.Proof)); err != nil {
			return err
		}
		if bytes.Compare(a.Left.label(), label) >= 0 {
			return fmt.Errorf("the left neighbour does not stand before the label")
		}
		before = a.Left.Position
	}
	if a.Right != nil {
		if err := index.has(a.Right.Position, a.Right.Leaf, plain(a.Right.Proof)); err != nil {
			return err
		}
		if bytes.Compare(a.Right.label(), label) <= 0 {
			return fmt.Errorf("the right neighbour does not stand behind the label")
		}
		after = a.Right.Position
	}
	if before+1 != after {
		return fmt.Errorf("there is room between the neighbours")
	}
	return nil
}

// over is the RFC 6962 root over these hashes.
func over(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	split := 1
	for split*2 < len(hashes) {
		split *= 2
	}
	return tlog.NodeHash(over(hashes[:split]), over(hashes[split:]))
}

func u64(number int64) []byte {
	raw := make([]byte, 8)
	binary.BigEndian.PutUint64(raw, uint64(number))
	return raw
}

var labels, entries int

func run(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("usage: export VKEY proof.json [TILES [OLDER...]]")
	}
	identity, err := note.NewVerifier(arguments[0])
	if err != nil {
		return err
	}
	raw, err := ioutil.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	var read proof
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	if read.Authority.Vkey != arguments[0] {
		return fmt.Errorf("another authority's")
	}
	var older []string
	if len(arguments) > 3 {
		older = arguments[3:]
	}
	for _, one := range read.Shards {
		found, err := one.check(identity)
		if err != nil {
			return err
		}
		if len(arguments) > 2 {
			if err := found.against(arguments[2], older); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d shards, %d labels, %d entries, %d older checkpoints\n", len(read.Shards), labels, entries, consistent)
	return nil
}

// against checks the shard against the folder of tiles, which may be ahead of the export.
func (c checked) against(tiles string, older []string) error {
	known := []tree{c.log, c.output}
	for _, path := range older {
		raw, err := ioutil.ReadFile(path)
		if err != nil {
			return err
		}
		rows := strings.Split(string(raw), "\n")
		size, err := strconv.ParseInt(rows[1], 10, 64)
		if err != nil {
			return err
		}
		root, err := tlog.ParseHash(rows[2])
		if err != nil {
			return err
		}
		known = append(known, tree{origin: rows[0], size: size, root: root})
	}
	place := filepath.Join(tiles, c.origin)
	if err := folder(place).reads(c.log, known, c.leaves); err != nil {
		return err
	}
	return folder(filepath.Join(place, "index")).reads(c.output, known, nil)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
