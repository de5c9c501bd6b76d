using System.Text;
using LeapAlign.Bench.Fuzz.Mutation;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>
/// Prompt files. Each is read by every prompt source that reads files, whatever it was meant for: as captions, as a list, as JSON lines, as tables, as the
/// metadata of a folder of pictures, as the caption of one, as preferences, as a log of scores.
/// </summary>
internal sealed class PromptsTarget : IFuzzTarget, IDisposable
{
    public const string Word = "prompts";

    private static readonly string[] s_codes = [FaultCodes.NoPrompts, FaultCodes.NotUtf8, FaultCodes.BadPromptFile, FaultCodes.BadScore, FaultCodes.NothingToCompare];

    private readonly PluginCatalog _catalog = PluginCatalog.Discover([BuiltHost.Plugins], new IsolatedPluginLoader());
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fuzz-").FullName;
    private readonly JsonFile _line = new(["prompt", "tag", "file", "file_name", "text", "preferred", "rejected", "score", "latents", "latents_tensor", "latents_row", "a.safetensors", "a.png", "b.jpg", "sub/c.webp", "../a.png", "counting"]);
    private readonly (string Id, IPromptSource Source)[] _sources;

    public PromptsTarget(string root)
    {
        File.WriteAllBytes(At("input"), []);
        foreach (var name in new[] { "lines.txt", "lines.jsonl", "lines.json", "lines.csv", "lines.tsv", "lines.parquet", "preferences.jsonl", "preferences.csv", "named/metadata.jsonl", "table/metadata.csv", "beside/a.txt" }) Link(name);
        foreach (var picture in new[] { "a.png", "b.jpg", "named/a.png", "named/b.jpg", "named/sub/c.webp", "table/a.png", "table/b.jpg", "beside/a.png", "a.safetensors" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(At(picture))!);
            File.WriteAllBytes(At(picture), []);
        }
        _sources =
        [
            .. Sources("file", "path", "lines.txt", "lines.jsonl", "lines.json", "lines.csv", "lines.tsv", "lines.parquet"),
            .. Sources("preferences", "path", "preferences.jsonl", "preferences.csv"),
            .. Sources("captioned-pictures", "captions", "preferences.jsonl", "preferences.csv"),
            .. Sources("scored", "path", "preferences.jsonl", "preferences.csv"),
            .. Sources("pictures", "folder", "named", "table", "beside"),
        ];
        Seeds =
        [
            .. Directory.EnumerateFiles(Path.Combine(root, "models", "prompts")).Order(StringComparer.Ordinal).Select(static file => Encoding.UTF8.GetBytes(string.Join('\n', File.ReadLines(file).Take(3)))),
            "a red circle\r\n\r\n  two blue squares \né 😀\n"u8.ToArray(),
            "{\"file_name\": \"a.png\", \"text\": \"a cat\"}\n{\"file_name\": \"sub/c.webp\", \"prompt\": \"a dog\"}\n"u8.ToArray(),
            "{\"file\": \"a.png\", \"caption\": \"a cat\"}\n{\"file\": \"b.jpg\", \"caption\": \"a dog\"}\n"u8.ToArray(),
            "{\"prompt\": \"a cat\", \"preferred\": \"a.png\", \"rejected\": \"b.jpg\"}\n"u8.ToArray(),
            "{\"prompt\": \"a cat\", \"file\": \"a.png\", \"score\": 1}\n{\"prompt\": \"a cat\", \"file\": \"b.jpg\", \"score\": -0.5}\n"u8.ToArray(),
            "{\"prompt\": \"a cat\", \"latents\": \"a.safetensors\", \"latents_row\": 3, \"score\": 1}\n{\"prompt\": \"a cat\", \"file\": \"b.jpg\", \"score\": -0.5}\n"u8.ToArray(),
            "[\"a ring\", {\"caption\": \"a star\", \"tag\": \"counting\"}]"u8.ToArray(),
            "file_name,prompt,preferred,rejected\r\na.png,\"a ring, \"\"blue\"\"\nand red\",a.png,b.jpg\r\n"u8.ToArray(),
            "text\tseed\na star\t1\n"u8.ToArray(),
            File.ReadAllBytes(Path.Combine(root, "tests", "fixtures", "parquet", "snappy.parquet")),
        ];
    }

    public string Name => Word;

    public IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>A mutant of a line, or of the bytes of the file.</summary>
    public byte[] Mutate(byte[] seed, KeyedRandom random)
    {
        if (random.NextInt(0, 3) == 0) return ByteMutation.Apply(seed, random);
        byte[][] lines = [.. Encoding.Latin1.GetString(seed).Split('\n').Select(Encoding.Latin1.GetBytes)];
        var at = random.NextInt(0, lines.Length);
        lines[at] = _line.Mutate(lines[at], random);
        return [.. lines.SelectMany(static (line, index) => index == 0 ? line : [(byte)'\n', .. line])];
    }

    public string? Check(byte[] input)
    {
        File.WriteAllBytes(At("input"), input);
        string? code = null;
        var accepted = false;
        foreach (var (id, source) in _sources)
        {
            if (source.Read().TryGet(out var prompts, out var fault))
            {
                accepted = true;
                Check(id, prompts);
            }
            else
            {
                code = Expected.Refusal(fault, s_codes);
            }
        }
        return accepted ? null : code;
    }

    public void Dispose()
    {
        _catalog.Unload();
        Directory.Delete(_folder, recursive: true);
    }

    private static void Check(string id, IReadOnlyList<Prompt> prompts)
    {
        if (prompts.Count == 0) throw new BrokenPropertyException($"{id} read no prompt and no fault");
        for (var index = 0; index < prompts.Count; index++)
        {
            var prompt = prompts[index];
            if (prompt.Id != index) throw new BrokenPropertyException($"{id} numbers prompt {index} as {prompt.Id}");
            if (prompt.Text.Trim().Length == 0 || prompt.Text.Trim() != prompt.Text) throw new BrokenPropertyException($"{id} read a caption that is blank or not trimmed: '{prompt.Text}'");
            if (prompt.Text.Any(static letter => letter is '\uFEFF' || (char.IsControl(letter) && letter is not ('\t' or '\n' or '\r')))) throw new BrokenPropertyException($"{id} read a caption with control characters: '{prompt.Text}'");
            if (prompt.Metadata is null && prompt.Pictures.Count == 0 && prompt.Text is "[" or "]" or "{" or "}" or "},") throw new BrokenPropertyException($"{id} read a bracket of JSON as a caption: '{prompt.Text}'");
            if (!IsWellFormed(prompt.Text)) throw new BrokenPropertyException($"{id} read a caption that is no text: '{prompt.Text}'");
            if (id == "scored" && (prompt.Scores.Count != prompt.Pictures.Count || !prompt.Scores.All(double.IsFinite))) throw new BrokenPropertyException($"{id} read scores that are not one finite number for each picture: {string.Join(", ", prompt.Scores)}");
            if (prompt.Latents.Count != 0 && (prompt.Latents.Count != prompt.Pictures.Count || prompt.Latents.Any(static one => one?.Row < 0))) throw new BrokenPropertyException($"{id} read latents that are not one for each picture, or of a row below 0");
            if (!prompt.Pictures.All(File.Exists)) throw new BrokenPropertyException($"{id} read a picture that is not there: '{string.Join(", ", prompt.Pictures)}'");
        }
    }

    private static bool IsWellFormed(string text)
    {
        for (var at = 0; at < text.Length; at += char.IsHighSurrogate(text[at]) ? 2 : 1)
        {
            if (!Rune.TryGetRuneAt(text, at, out _)) return false;
        }
        return true;
    }

    private IEnumerable<(string Id, IPromptSource Source)> Sources(string id, string key, params string[] paths) => paths.Select(path => Source(id, key, path));

    private (string Id, IPromptSource Source) Source(string id, string key, string path)
    {
        var plugin = _catalog.Find(PartKinds.Prompts, id, new(Word)).Required();
        var definition = plugin.Part(PartKinds.Prompts, id);
        var context = new PartContext { Name = id, BaseFolder = _folder, Device = CPU, ComputeType = ScalarType.Float32, Logger = NullLogger.Instance, Warn = static _ => { } };
        var made = definition.Create(definition.ReadSettings($$"""{ "{{key}}": "{{path}}" }"""), context);
        return (id, (IPromptSource)made.Required());
    }

    private void Link(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.CreateSymbolicLink(At(name), At("input"));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
