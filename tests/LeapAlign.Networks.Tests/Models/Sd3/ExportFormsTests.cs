using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>Exports of every form that a source folder may have: each opens with <c>from_pretrained(folder)</c>, and without T5 as its card says.</summary>
public sealed class ExportFormsTests : IDisposable
{
    private const string Reference = "LEAPALIGN_REFERENCE";
    private static readonly string[] s_networks = ["transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3"];
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-forms-").FullName;

    public static TheoryData<string> Forms() => ["plain", "variant", "variant shards", "shards", "no T5", "T5 not named", "weights of other forms"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void An_export_has_the_names_that_are_looked_for(string form)
    {
        var export = Export(form);
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(export, "model_index.json")))!.AsObject();
        foreach (var component in new[] { "transformer", "scheduler", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "text_encoder_3", "tokenizer_3" })
        {
            Assert.Equal(index[component]?[0] is not null, Directory.Exists(Path.Combine(export, component)));
        }
        foreach (var network in s_networks.Where(network => index[network]?[0] is not null))
        {
            var stem = network is "transformer" or "vae" ? "diffusion_pytorch_model" : "model";
            var files = Directory.GetFiles(Path.Combine(export, network)).Select(Path.GetFileName).ToArray();
            Assert.True(files.Contains($"{stem}.safetensors") || files.Contains($"{stem}.safetensors.index.json"), $"{network}: {string.Join(", ", files)}");
            if (network == "transformer") Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], files.Order(StringComparer.Ordinal));
        }
        using var scope = NewDisposeScope();
        using var again = TestModel.Open(export);
        using var source = TestModel.Open(Path.Combine(_folder, "source"));
        Assert.All(source.Parameters.Zip(again.Parameters), static pair => Assert.True(pair.First.Value.eq(pair.Second.Value).all().item<bool>(), pair.First.Name));
    }

    [Theory]
    [InlineData(256, "what diffusers takes by default", "pipeline(\"a caption\")")]
    [InlineData(40, "pass `max_sequence_length=40`", "pipeline(\"a caption\", max_sequence_length=40)")]
    public void The_card_says_how_many_tokens_the_captions_had(int length, string words, string call)
    {
        var source = Source("no T5");
        using var scope = NewDisposeScope();
        using var model = Recording.Require(TestModel.TryOpen(new Sd3Settings { Folder = source, TextLength = length }));
        var export = Path.Combine(_folder, "export");
        Recording.Require(model.Export(new ExportRequest(export, null) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }));
        var card = File.ReadAllText(Path.Combine(export, "README.md"));
        Assert.Contains(words, card, StringComparison.Ordinal);
        Assert.Contains(call, card, StringComparison.Ordinal);
        Assert.Contains("text_encoder_3=None, tokenizer_3=None", card, StringComparison.Ordinal);
        Assert.StartsWith("---\nlibrary_name: diffusers\n", card, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reference_opens_every_form()
    {
        var reference = Environment.GetEnvironmentVariable(Reference);
        Assert.SkipWhen(string.IsNullOrEmpty(reference), $"{Reference} does not name the reference's reference.sh");
        var script = Path.Combine(Repository.Root, "bench", "reference", "open_pipeline.py");
        List<string> exports = [];
        foreach (var form in Forms().Select(static row => row.Data))
        {
            exports.Add(Path.Combine(_folder, "exports", form));
            Directory.CreateDirectory(Path.GetDirectoryName(exports[^1])!);
            Directory.Move(Export(form), exports[^1]);
            Directory.Delete(Path.Combine(_folder, "source"), recursive: true);
        }
        // A folder as today's libraries save it, processor and tokenizer files included.
        var (code, output) = Run(reference!, script, "--resave", TestModel.Folder, Path.Combine(_folder, "source"));
        Assert.True(code == 0, output);
        exports.Add(Path.Combine(_folder, "exports", "resaved"));
        Directory.Move(ExportOf(Path.Combine(_folder, "source")), exports[^1]);
        (code, output) = Run(reference!, [script, .. exports]);
        Assert.True(code == 0, output);
        var sums = output.Split('\n').Where(static line => line.StartsWith("opened ", StringComparison.Ordinal)).Select(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(exports.Count, sums.Length);
        using var scope = NewDisposeScope();
        using var model = TestModel.Open();
        var expected = model.Parameters.Sum(static parameter => parameter.Value.detach().to(ScalarType.Float64).sum().item<double>());
        Assert.All(sums, sum => Assert.Equal(expected, sum, Math.Abs(expected) * 1e-6));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        // Read at once, or a full pipe stops the program.
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }

    private string Export(string form) => ExportOf(Source(form));

    private string ExportOf(string source)
    {
        using var scope = NewDisposeScope();
        using var model = TestModel.Open(source);
        var export = Path.Combine(_folder, "export");
        Recording.Require(model.Export(new ExportRequest(export, null) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }));
        return export;
    }

    /// <summary>A copy of the embedded model in another form.</summary>
    private string Source(string form)
    {
        var source = Path.Combine(_folder, "source");
        Repository.CopyFolder(TestModel.Folder, source);
        foreach (var network in s_networks)
        {
            var path = Assert.Single(Directory.GetFiles(Path.Combine(source, network), "*.safetensors"));
            var stem = Path.GetFileNameWithoutExtension(path);
            if (form == "variant") File.Move(path, Path.Combine(source, network, $"{stem}.fp16.safetensors"));
            if (form is "shards" or "variant shards") Shard(path, stem, form == "shards" ? "" : ".fp16");
            if (form == "weights of other forms") File.WriteAllText(Path.Combine(source, network, $"{stem}.fp16.bin"), "old");
        }
        if (form is "no T5" or "T5 not named")
        {
            var file = Path.Combine(source, "model_index.json");
            var index = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
            foreach (var part in new[] { "text_encoder_3", "tokenizer_3" })
            {
                Directory.Delete(Path.Combine(source, part), recursive: true);
                if (form == "no T5") index[part] = new JsonArray(null, null);
                else index.Remove(part);
            }
            File.WriteAllText(file, index.ToJsonString());
        }
        return source;
    }

    private static void Shard(string path, string stem, string variant)
    {
        using var scope = NewDisposeScope();
        var folder = Path.GetDirectoryName(path)!;
        var places = new JsonObject();
        using (var file = Recording.Require(SafetensorsFile.Open(path)))
        {
            foreach (var (number, names) in file.Entries.Keys.Chunk((file.Entries.Count + 1) / 2).Index())
            {
                var shard = $"{stem}{variant}-{number + 1:D5}-of-00002.safetensors";
                Recording.Require(SafetensorsWriter.Write(Path.Combine(folder, shard), [.. names.Select(name => new TensorToWrite(name, Recording.Require(file.Read(name)), file.Entries[name].Type))]));
                foreach (var name in names) places.Add(name, shard);
            }
        }
        File.Delete(path);
        var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 1 }, ["weight_map"] = places };
        File.WriteAllText(Path.Combine(folder, variant.Length == 0 ? $"{stem}.safetensors.index.json" : $"{stem}.safetensors.index{variant}.json"), index.ToJsonString());
    }
}
