using System.Text.Json.Nodes;
using FsCheck.Xunit;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static LeapAlign.Networks.Tests.Tokenizers.TokenizerFixture;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>Damaged and absent files: a fault with the file, never an exception.</summary>
public class BadTokenizerTests
{
    private static readonly string ClipFolder = Repository.Fixture("pipeline-flux", "model", "tokenizer");
    private static readonly string T5Folder = Repository.Fixture("pipeline-flux", "model", "tokenizer_2");

    [Theory]
    [InlineData("vocab.json", null)]
    [InlineData("merges.txt", null)]
    [InlineData("vocab.json", "{\"a\": 1")]
    [InlineData("vocab.json", "[]")]
    [InlineData("vocab.json", "{\"a\": \"b\"}")]
    [InlineData("vocab.json", "{\"a\": -1}")]
    [InlineData("vocab.json", "{\"\\ud800\": 1}")]
    [InlineData("merges.txt", "#version: 0.2\na b c")]
    [InlineData("merges.txt", "#version: 0.2\nnowhere known")]
    [InlineData("merges.txt", "#version: 0.2\n\u0001")]
    [InlineData("merges.txt", "#version: 0.2\n\na b")]
    [InlineData("merges.txt", "#version: 0.2\n\n")]
    [InlineData("merges.txt", "\r\n")]
    [InlineData("tokenizer_config.json", "{\"model_max_length\": \"long\"}")]
    [InlineData("tokenizer_config.json", "{\"model_max_length\": 0}")]
    [InlineData("tokenizer_config.json", "{\"model_max_length\": 12.0}")]
    [InlineData("tokenizer_config.json", "{\"pad_token\": 3}")]
    [InlineData("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}")]
    [InlineData("tokenizer_config.json", "{\"added_tokens_decoder\": {\"1\": {}}}")]
    [InlineData("special_tokens_map.json", "nothing")]
    public void A_clip_folder_with_a_bad_file_is_a_fault(string name, string? content) =>
        Faulty(Damaged(ClipFolder, ["vocab.json", "merges.txt", "tokenizer_config.json"], name, content), name, ClipTokenizer.Load);

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"model\": {\"vocab\": {}}}")]
    [InlineData("{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}")]
    [InlineData("{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[1, 2]]}}")]
    [InlineData("{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"added_tokens\": [{\"content\": \"b\"}]}")]
    public void A_clip_folder_with_a_bad_tokenizer_json_is_a_fault(string content) => Faulty(Damaged(ClipFolder, [], "tokenizer.json", content), "tokenizer.json", ClipTokenizer.Load);

    [Fact]
    public void A_special_token_that_the_vocabulary_lacks_is_a_fault()
    {
        var folder = Damaged(ClipFolder, ["vocab.json", "merges.txt"], "tokenizer_config.json", "{\"pad_token\": \"<nothing>\"}");
        Faulty(folder, "vocab.json", ClipTokenizer.Load);
    }

    [Theory]
    [InlineData("spiece.model", null)]
    [InlineData("spiece.model", "")]
    [InlineData("spiece.model", "this is no model")]
    [InlineData("tokenizer.json", "{}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"unk_id\": 0, \"vocab\": [[\"a\", 0]]}, \"added_tokens\": [{\"id\": 1, \"content\": \"</s>\"}]}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 3, \"vocab\": [[\"a\", 0]]}, \"added_tokens\": [{\"id\": 1, \"content\": \"</s>\"}]}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", 0]]}}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\"]]}, \"added_tokens\": [{\"id\": 1, \"content\": \"</s>\"}]}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", 0]]}, \"added_tokens\": [{\"id\": 9, \"content\": \"</s>\"}]}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", 0]]}, \"normalizer\": {\"precompiled_charsmap\": \"?\"}}")]
    public void A_t5_folder_with_a_bad_file_is_a_fault(string name, string? content) => Faulty(Damaged(T5Folder, [], name, content), name, T5Tokenizer.Load);

    [Fact]
    public void Pieces_that_share_an_id_are_named()
    {
        var folder = Copy(ClipFolder, "merges.txt", "tokenizer_config.json");
        var vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(ClipFolder, "vocab.json")))!.AsObject();
        var (first, second) = (vocabulary.ElementAt(0), vocabulary.ElementAt(1).Key);
        vocabulary[second] = first.Value!.DeepClone();
        File.WriteAllText(Path.Combine(folder, "vocab.json"), vocabulary.ToJsonString());
        Assert.Contains($"'{first.Key}' and '{second}' have the same id, {first.Value}", Faulty(folder, "vocab.json", ClipTokenizer.Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Merges_that_are_not_utf8_name_their_line()
    {
        var folder = Copy(ClipFolder, "vocab.json");
        File.WriteAllBytes(Path.Combine(folder, "merges.txt"), [(byte)'#', (byte)'\n', (byte)'\n', 0xff]);
        Assert.Equal(3, Faulty(folder, "merges.txt", ClipTokenizer.Load).Place!.Line);
    }

    [Property(MaxTest = 60)]
    public void A_model_with_a_damaged_byte_loads_or_is_a_fault(int position, byte value)
    {
        var folder = Copy(T5Folder, "spiece.model", "tokenizer_config.json");
        var path = Path.Combine(folder, "spiece.model");
        var bytes = File.ReadAllBytes(path);
        // Mostly in the table of characters, which is the larger part.
        bytes[(int)((uint)(position * 7919) % bytes.Length)] = value;
        File.WriteAllBytes(path, bytes);
        if (!T5Tokenizer.Load(folder).TryGet(out _, out var fault)) Assert.Equal(FaultCodes.BadTokenizer, fault.Code);
        Directory.Delete(folder, recursive: true);
    }

    [Property(MaxTest = 60)]
    public void A_truncated_file_is_a_fault(ushort cut)
    {
        foreach (var (source, name) in ((string, string)[])[(ClipFolder, "vocab.json"), (T5Folder, "tokenizer.json")])
        {
            var folder = Copy(source, name);
            if (name == "vocab.json") File.WriteAllText(Path.Combine(folder, "merges.txt"), "");
            var path = Path.Combine(folder, name);
            var bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, bytes[..(cut % (bytes.Length - 2))]);
            if (source == ClipFolder) Faulty(folder, name, ClipTokenizer.Load);
            else Faulty(folder, name, T5Tokenizer.Load);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Damaged(string source, string[] names, string name, string? content)
    {
        var folder = Copy(source, names);
        var path = Path.Combine(folder, name);
        if (content is null) File.Delete(path);
        else File.WriteAllText(path, content);
        return folder;
    }

    private static Fault Faulty<T>(string folder, string name, Func<string, Result<T>> load)
    {
        Assert.False(load(folder).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.BadTokenizer, fault!.Code);
        Assert.Equal(Path.Combine(folder, name), fault.Place!.File);
        return fault;
    }
}
