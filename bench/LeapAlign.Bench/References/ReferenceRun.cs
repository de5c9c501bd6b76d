using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Bench.References;

/// <summary>A LoRA run of the built program whose exports the reference libraries draw from, and pictures that the program draws from LoRA files of theirs.</summary>
/// <param name="run">What is trained.</param>
/// <param name="program">Runs Python scripts with the reference libraries.</param>
/// <param name="overrides">Overrides of the run.</param>
internal sealed class ReferenceRun(ReferenceCase run, string program, IReadOnlyList<string> overrides)
{
    private const int Captions = 4;
    private const int Training = 4;
    private const long Seed = 42;
    private const string Evaluation = "evaluation";
    private const string Generate = "generate";
    private static readonly string s_example = Path.Combine("examples", "lora.json");
    private static readonly string s_prompts = Path.Combine("models", "prompts", "shapes-eval.jsonl");
    private static readonly string s_script = Path.Combine("bench", "reference", "draw_pictures.py");
    private readonly string _folder = Path.GetFullPath(Path.Combine("runs", "reference", run.Name));
    private readonly string[] _lines = [.. File.ReadLines(s_prompts).Take(Captions)];

    private RunFolder Trained => RunFolder.At(At("run"));

    private IReadOnlyList<Prompt> Prompts => [.. _lines.Select(static (line, id) => new Prompt(id, (string)JsonNode.Parse(line)!["prompt"]!))];

    /// <summary>Trains, draws and compares.</summary>
    /// <returns>A row for each drawing of the reference libraries.</returns>
    public Result<IReadOnlyList<ReferenceRow>> Compare()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        File.WriteAllLines(At("captions.jsonl"), _lines);
        return from trained in Leapalign(["train", .. Composition(), "--name", "run"])
               from noise in WriteNoise()
               from drawn in Draw()
               from alone in Generated("alone", "adapter=full")
               from diffusers in Generated("diffusers", $"adapter.settings.from={Made("diffusers")}")
               from peft in Generated("peft", $"adapter.settings.from={Made("peft")}")
               let before = Pictures(Enumerable.Range(0, Captions).Select(picture => Trained.Sample(0, picture)))
               let after = Pictures(Enumerable.Range(0, Captions).Select(picture => Trained.Sample(Training, picture)))
               select (IReadOnlyList<ReferenceRow>)
               [
                   new(run.Name, "the model alone", null, ReferenceBench.Distance(before, drawn["alone"])),
                   new(run.Name, "the merged folder", ReferenceBench.Distance(after, before), ReferenceBench.Distance(after, drawn["merged"])),
                   new(run.Name, "the adapter's file", ReferenceBench.Distance(after, before), ReferenceBench.Distance(after, drawn["adapter"])),
                   new(run.Name, "a file of diffusers", ReferenceBench.Distance(diffusers, alone), ReferenceBench.Distance(diffusers, drawn["diffusers"])),
                   new(run.Name, "a folder of PEFT", ReferenceBench.Distance(peft, alone), ReferenceBench.Distance(peft, drawn["peft"])),
               ];
    }

    private string? Size => run.Size is { } size ? string.Create(CultureInfo.InvariantCulture, $"{size.Width}x{size.Height}") : null;

    private string At(params IEnumerable<string> parts) => Path.Combine([_folder, .. parts]);

    private string Made(string library) => At("made", library);

    // The average is neither what was trained last nor what training began with. The precision of the source would round the merged weights.
    private IEnumerable<string> Composition(params IEnumerable<string> further)
    {
        string[] words =
        [
            $"run.folder={_folder}", $"run.steps={Training}", "run.batch=4", "run.dtype=float32", "run.ema=0.5", $"model.settings.folder={Path.GetFullPath(run.Model)}",
            string.Create(CultureInfo.InvariantCulture, $"guidance.scale={run.Guidance:R}"), $"sampler.settings.steps={ReferenceCase.Steps}", "optimizer.settings.rate=1e-2", "optimizer.settings.warmup=0",
            "evaluation.every=0", $"evaluation.seed={Seed}", $"evaluation.samples={Captions}", $"evaluation.prompts.settings.path={At("captions.jsonl")}", "export.dtype=float32",
            .. Size is { } size ? [$"run.size={size}"] : Array.Empty<string>(), .. run.Overrides, .. overrides, .. further,
        ];
        return ["-c", s_example, .. words.SelectMany(static word => new[] { "--set", word })];
    }

    private static Result<Unit> Leapalign(IEnumerable<string> arguments)
    {
        using var process = BuiltHost.Start(arguments);
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Unit.Value : new Fault.Run(FaultCodes.StepThrew, $"'leapalign {arguments.First()}' ended with exit code {process.ExitCode}");
    }

    private Result<Tensor> Generated(string name, string further)
    {
        string[] size = Size is { } chosen ? ["--size", chosen] : [];
        return Leapalign([Generate, .. Prompts.Select(static prompt => prompt.Text), .. Composition(further), .. size, "--seed", $"{Seed}", "--output", At("generated", name)])
            .Map(_ => Pictures(Directory.GetFiles(At("generated", name), "*.png").Order(StringComparer.Ordinal)));
    }

    private Result<Unit> WriteNoise()
    {
        Tensor Of(RandomKey key) => PictureSampling.NoiseOf(key, [.. PictureRequest.All(Prompts, 1)], run.Latents(), CPU);
        return SafetensorsWriter.Write(At("noise.safetensors"), [
            new TensorToWrite(Evaluation, Of(Host.Kernel.Pictures.Evaluation.KeyOf(Seed)), ScalarType.Float32),
            new TensorToWrite(Generate, Of(Generation.KeyOf(Seed)), ScalarType.Float32),
        ]);
    }

    private Result<IReadOnlyDictionary<string, Tensor>> Draw()
    {
        static JsonObject Drawing(string name, string noise, string? with = null, string? folder = null)
        {
            var drawing = new JsonObject { ["name"] = name, ["noise"] = noise };
            if (with is not null) drawing[with] = folder;
            return drawing;
        }

        var job = new JsonObject
        {
            ["base"] = Path.GetFullPath(run.Model),
            ["card"] = Path.Combine(Trained.Export, "README.md"),
            ["call"] = run.Call(),
            ["captions"] = new JsonArray([.. Prompts.Select(static prompt => (JsonNode)prompt.Text)]),
            ["noise"] = At("noise.safetensors"),
            ["make"] = new JsonObject { ["diffusers"] = Made("diffusers"), ["peft"] = Made("peft") },
            ["drawings"] = new JsonArray(
                Drawing("alone", Evaluation),
                Drawing("merged", Evaluation, "merged", Trained.Export),
                Drawing("adapter", Evaluation, "lora", Trained.Adapter),
                Drawing("diffusers", Generate, "lora", Made("diffusers")),
                Drawing("peft", Generate, "peft", Made("peft"))),
            ["output"] = At("drawn.safetensors"),
        };
        File.WriteAllText(At("job.json"), job.ToJsonString());
        using (var process = Process.Start(new ProcessStartInfo(program, [s_script, At("job.json")]) { RedirectStandardOutput = true, RedirectStandardError = true })!)
        {
            // The libraries say much that is no error, and it is read at once, or a full pipe stops them.
            var said = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) Console.Error.WriteLine(said.GetAwaiter().GetResult());
            if (process.ExitCode != 0) return new Fault.Run(FaultCodes.StepThrew, $"'{s_script}' ended with exit code {process.ExitCode}");
        }
        return SafetensorsFile.Open(At("drawn.safetensors")).Map<SafetensorsFile, IReadOnlyDictionary<string, Tensor>>(file =>
        {
            using (file) return file.Entries.Keys.ToDictionary(static name => name, name => file.Read(name).Required(), StringComparer.Ordinal);
        });
    }

    // [B, height, width, 3] in 0..1.
    private static Tensor Pictures(IEnumerable<string> files) => stack(files.Select(static file =>
    {
        using var picture = SKBitmap.Decode(file);
        using var plain = picture.Copy(SKColorType.Rgba8888);
        return tensor(plain.Bytes).view(plain.Height, plain.Width, 4)[TensorIndex.Ellipsis, TensorIndex.Slice(0, 3)].to(ScalarType.Float32) / byte.MaxValue;
    }));
}
