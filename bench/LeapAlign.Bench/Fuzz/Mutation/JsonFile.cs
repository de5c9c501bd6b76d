using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Fuzz.Mutation;

/// <summary>Mutants of a JSON file: its values first, then its bytes. Some are changed gently only, so that the checks behind the first are reached.</summary>
/// <param name="words">Texts that mean something to the target.</param>
internal sealed class JsonFile(IReadOnlyList<string> words)
{
    private static readonly string[] s_spaces = ["", "", " ", "\n", "\r\n\t", "/* x */", " // x\n"];
    private readonly JsonMutation _values = new(words);

    /// <summary>A mutant.</summary>
    public byte[] Mutate(byte[] seed, KeyedRandom random)
    {
        var gentle = random.NextInt(0, 4) == 0;
        if (JsonTree.Parse(seed) is { } tree)
        {
            for (var edits = random.NextInt(1, 4); edits > 0; edits--)
            {
                if (gentle) _values.Gently(tree, random);
                else _values.Apply(tree, random);
            }
            seed = tree.ToBytes(JsonMutation.Pick(s_spaces, random));
            if (gentle || random.NextInt(0, 3) > 0) return seed;
        }
        for (var edits = random.NextInt(1, 4); edits > 0; edits--) seed = ByteMutation.Apply(seed, random);
        return seed;
    }
}
