using System.Text.Json.Nodes;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>Folders with awkward files, and captions with special tokens, foreign scripts and odd characters: ids recorded from transformers, exactly.</summary>
public class TokenizerCaseTests
{
    private static readonly JsonNode Recorded = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "fixtures", "tokenizer-cases.json")))!;
    private static readonly string[] Captions = [.. Recorded["captions"]!.AsArray().Select(static caption => caption!.GetValue<string>())];

    public static TheoryData<string> Cases { get; } = [.. Recorded["cases"]!.AsArray().Select(static recorded => $"{recorded!["kind"]}: {recorded["name"]}")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Captions_are_read_as_by_the_reference(string name)
    {
        var recorded = Recorded["cases"]!.AsArray().Single(recorded => $"{recorded!["kind"]}: {recorded["name"]}" == name)!;
        var folder = Folder(recorded);
        try
        {
            Result<Func<string, int, IEnumerable<long>>> Framed<T>(Result<T> loaded) where T : ITextTokenizer => loaded.Map<T, Func<string, int, IEnumerable<long>>>(static tokenizer => (text, length) => tokenizer.Encode(text, length).Ids);
            var read = recorded["kind"]!.GetValue<string>() switch
            {
                "clip" => Framed(ClipTokenizer.Load(folder)),
                "t5" => Framed(T5Tokenizer.Load(folder)),
                // Not framed, and not padded.
                _ => Qwen2Tokenizer.Load(folder).Map<Qwen2Tokenizer, Func<string, int, IEnumerable<long>>>(static tokenizer => (text, length) => tokenizer.Encode(text, length).Ids.Select(static id => (long)id)),
            };
            if (recorded["refused"] is not null)
            {
                Assert.False(read.TryGet(out _, out var fault));
                Assert.Equal(FaultCodes.BadTokenizer, fault!.Code);
                return;
            }
            Assert.True(read.TryGet(out var encode, out var wrong), wrong?.ToString());
            var ids = recorded["ids"]!.AsArray().Select(static row => row!.AsArray().Select(static id => id!.GetValue<long>()).ToArray()).ToArray();
            Assert.Equal(Captions.Length, ids.Length);
            var longest = ids.Max(static row => row.Length);
            Assert.All(Captions.Zip(ids), pair => Assert.Equal(pair.Second, encode!(pair.First, longest)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Folder(JsonNode recorded)
    {
        var names = recorded["copy"]!.AsArray().Select(static name => name!.GetValue<string>()).ToArray();
        var folder = TokenizerFixture.Copy(Path.Combine(Repository.Root, recorded["base"]!.GetValue<string>()), names);
        foreach (var (name, keys) in recorded["set"]?.AsObject() ?? [])
        {
            var path = Path.Combine(folder, name);
            var content = JsonNode.Parse(File.ReadAllText(path))!;
            foreach (var (key, value) in keys!.AsObject())
            {
                var section = key.Split('.')[..^1].Aggregate(content, static (node, step) => node[step]!);
                section[key.Split('.')[^1]] = value?.DeepClone();
            }
            File.WriteAllText(path, content.ToJsonString());
        }
        foreach (var (name, content) in recorded["write"]!.AsObject())
            File.WriteAllText(Path.Combine(folder, name), content is JsonValue text ? text.GetValue<string>() : content!.ToJsonString());
        return folder;
    }
}
