using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary><c>generate</c>: captions to PNG files, each picture from noise that depends on the seed, the caption's place and the picture's number alone.</summary>
internal sealed class Generation(Terminal terminal, ILoggerFactory loggers) : IGeneration
{
    /// <summary>The key of the noise.</summary>
    /// <param name="seed">The seed of the pictures.</param>
    public static RandomKey KeyOf(long seed) => RandomKey.OfRun(seed).For("generate");

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Generate(RunPlan plan, GenerateOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, options.Size is { } size ? [new AskedSize(size, new SourcePlace("--size"))] : [], stop).Bind(site =>
        {
            using (site) return Generate(plan, options, site, stop);
        });

    private Result<Completion> Generate(RunPlan plan, GenerateOptions options, RunSite site, CancellationToken stop) => site.Work(
        "drawing",
        owned =>
            from place in options.Rows is { } rows && rows != OutputFile.StandardOutput ? OutputFile.CanBe(rows, options.Output) : Unit.Value
            from prompts in Captions(plan, options, site, owned)
            from sampler in RunParts.Make<ISampler>(plan.Sampler, site.Context, owned)
            from trained in TrainedModel.Make(plan, site.Context, owned)
            let opened = trained.Model
            from pictures in PictureSpace.Of(opened, options.Size ?? opened.NativeSize)
            let finite = new FiniteCheck()
            let sampling = new PictureSampling(opened, sampler, plan.GuidanceAfter(opened), site.Stages())
            {
                Schedule = sampler.CreateSchedule(opened.Scheduling.For(pictures.Latents), options.Steps),
                Noise = KeyOf(options.Seed),
                Pictures = pictures,
                Device = site.Device,
                Stochastic = true,
                Shown = finite.See,
            }
            from done in Draw([.. PictureRequest.All(prompts, options.ImagesPerPrompt)], (sampling, finite), (options, plan.Evaluation.Batch), stop)
            select done);

    private static Result<IReadOnlyList<Prompt>> Captions(RunPlan plan, GenerateOptions options, RunSite site, List<IDisposable> owned)
    {
        if (options.Captions.Count > 0) return options.Captions.Select(static (text, id) => new Prompt(id, text)).ToList();
        var source = plan.EvaluationPrompts ?? plan.Prompts;
        return RunParts.Make<IPromptSource>(source, site.Context, owned).Bind(static prompts => prompts.Read());
    }

    private Result<Completion> Draw(IReadOnlyList<PictureRequest> pictures, (PictureSampling Sampling, FiniteCheck Finite) how, (GenerateOptions Options, int Batch) what, CancellationToken stop)
    {
        var drawn = new List<(Prompt Prompt, string Path, string? Latents)>(pictures.Count);
        foreach (var batch in pictures.Chunk(what.Batch))
        {
            if (stop.IsCancellationRequested) break;
            using var scope = NewDisposeScope();
            how.Finite.Begin();
            var (latents, images) = how.Sampling.Draw(batch);
            for (var i = 0; i < batch.Length; i++)
            {
                if (how.Finite.Since(i) is { } since)
                {
                    return new Fault.Input(
                        FaultCodes.PictureNotFinite, $"the picture of {Quoted.Words(batch[i].Prompt.Text)} is not finite {since}; {drawn.Count} of {pictures.Count} pictures are drawn");
                }
                var path = Path.Combine(what.Options.Output, FileName(batch[i], what.Options.ImagesPerPrompt));
                if (!RunFolder.WriteInto(path, SampleGrid.Encode(SamplePicture.Of(images[i], batch[i].Prompt.Text, new Dictionary<string, double>()))).TryGet(out _, out var fault)) return Unwritten(fault);
                var beside = what.Options.Latents ? Path.ChangeExtension(path, PromptLatents.Ending) : null;
                if (beside is not null && !SafetensorsWriter.Write(beside, [new TensorToWrite("latents", latents[i], ScalarType.Float32)]).TryGet(out _, out fault)) return Unwritten(fault);
                drawn.Add((batch[i].Prompt, path, beside));
            }
        }
        // Of no picture there are rows, too, and nothing has made their folder.
        if (what.Options.Rows is { } file && file != OutputFile.StandardOutput && !RunFolder.MakeAbove(file).TryGet(out _, out var unmade)) return unmade;
        if (!OutputFile.Write(what.Options.Rows, () => Rows(drawn, what.Options.Rows!), terminal).TryGet(out _, out var refused)) return refused;
        if (what.Options.Rows != OutputFile.StandardOutput)
            terminal.Write(drawn.Count == pictures.Count ? $"{drawn.Count} pictures in {what.Options.Output}" : $"interrupted: {drawn.Count} of {pictures.Count} pictures in {what.Options.Output}");
        return drawn.Count == pictures.Count ? Completion.Whole : Completion.Interrupted;

        // What is drawn stays, and the rows that say what it is go with it.
        Fault Unwritten(Fault fault)
        {
            if (drawn.Count > 0) OutputFile.Write(what.Options.Rows, () => Rows(drawn, what.Options.Rows!), terminal).Match(static _ => true, static _ => false);
            return fault.And($"; {drawn.Count} of {pictures.Count} pictures are drawn");
        }
    }

    // Files are named from the folder of the rows; on standard output, which has none, from that of the program.
    private static string Rows(IReadOnlyList<(Prompt Prompt, string Path, string? Latents)> drawn, string rows)
    {
        var folder = OutputFile.FolderOf(rows) ?? Environment.CurrentDirectory;
        return string.Concat(drawn.Select(one => $"{PictureRow.Line(one.Prompt, Path.GetRelativePath(folder, one.Path), one.Prompt.Text, one.Latents is { } latents ? Path.GetRelativePath(folder, latents) : null)}\n"));
    }

    private static string FileName(PictureRequest picture, int images)
    {
        const int longest = 60;
        var words = new string([.. picture.Prompt.Text.Select(static letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '-').Take(longest)]).Trim('-');
        var number = string.Create(CultureInfo.InvariantCulture, $"{picture.Prompt.Id:D4}{(images > 1 ? $"-{picture.Image:D2}" : "")}");
        return words.Length > 0 ? $"{number}-{words}.png" : $"{number}.png";
    }
}
