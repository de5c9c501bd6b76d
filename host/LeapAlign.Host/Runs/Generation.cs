using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary><c>generate</c>: captions to PNG files, each picture from noise that depends on the seed, the caption's place and the picture's number alone.</summary>
internal sealed class Generation(Terminal terminal, ILoggerFactory loggers) : IGeneration
{
    public Result<Unit> Generate(RunPlan plan, GenerateOptions options, CancellationToken stop)
    {
        var warnings = new Warnings(terminal.Error);
        return from device in DeviceChoice.Resolve(plan.Run.Device, new SourcePlace("plugins.json", Key: "run.device"))
               from done in Generate(plan, options, (device, warnings), stop)
               select done;
    }

    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Result<Unit> Generate(RunPlan plan, GenerateOptions options, (Device Device, Warnings Warnings) run, CancellationToken stop)
    {
        var context = run.Warnings.Contexts(plan.BaseFolder, run.Device, Dtype.Parse(plan.Run.Dtype)!.Value, loggers);
        IModel? model = null;
        try
        {
            return from prompts in Captions(plan, options, context)
                   from sampler in plan.Sampler.Create<ISampler>(context(plan.Sampler.Name))
                   from opened in plan.Model.Create<IModel>(context(plan.Model.Name)).Map(made => model = made)
                   from shape in opened.LatentShape(opened.NativeSize)
                   from done in Draw(plan, options, new Scene(opened, sampler, prompts, shape, run.Device), stop)
                   select done;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
        finally
        {
            (model as IDisposable)?.Dispose();
            run.Warnings.Summarize();
        }
    }

    private sealed record Scene(IModel Model, ISampler Sampler, IReadOnlyList<Prompt> Prompts, long[] LatentShape, Device Device);

    private static Result<IReadOnlyList<Prompt>> Captions(RunPlan plan, GenerateOptions options, Func<string, Contracts.Plugins.PartContext> context)
    {
        if (options.Captions.Count > 0) return options.Captions.Select(static (text, id) => new Prompt(id, text)).ToList();
        var source = plan.EvaluationPrompts ?? plan.Prompts;
        return source.Create<IPromptSource>(context(source.Name)).Bind(static prompts => prompts.Read());
    }

    private Result<Unit> Draw(RunPlan plan, GenerateOptions options, Scene scene, CancellationToken stop)
    {
        var schedule = scene.Sampler.CreateSchedule(scene.Model.Scheduling, options.Steps);
        var key = RandomKey.OfRun(options.Seed).For("generate");
        using var gradients = no_grad();
        foreach (var batch in scene.Prompts.SelectMany(prompt => Enumerable.Range(0, options.ImagesPerPrompt).Select(image => (prompt, image))).Chunk(plan.Evaluation.Batch))
        {
            if (stop.IsCancellationRequested) return Unit.Value;
            using var scope = NewDisposeScope();
            using var conditioning = scene.Model.Encode([.. batch.Select(static pair => pair.prompt.Text)], plan.Guidance);
            var noise = stack(batch.Select(pair => key.For("prompt", pair.prompt.Id).For("image", pair.image).Normal(scene.LatentShape, scene.Device)));
            var latents = scene.Sampler.Roll(noise, schedule, (state, step) => scene.Model.Velocity(state, schedule.Sigma(step), conditioning));
            var images = scene.Model.Decode(latents);
            for (var i = 0; i < batch.Length; i++)
            {
                var path = Path.Combine(options.Output, FileName(batch[i].prompt, batch[i].image, options.ImagesPerPrompt));
                if (!Write(path, SampleGrid.Encode(Pictures.Take(images[i], batch[i].prompt.Text, new Dictionary<string, double>()))).TryGet(out _, out var fault)) return fault;
            }
        }
        terminal.Write($"{scene.Prompts.Count * options.ImagesPerPrompt} pictures in {options.Output}");
        return Unit.Value;
    }

    private static Result<Unit> Write(string path, byte[] png)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotWrite(path, exception);
        }
        return RunFolder.Write(path, png);
    }

    private static string FileName(Prompt prompt, int image, int images)
    {
        const int longest = 60;
        var words = new string([.. prompt.Text.Select(static letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '-').Take(longest)]).Trim('-');
        var number = string.Create(CultureInfo.InvariantCulture, $"{prompt.Id:D4}{(images > 1 ? $"-{image:D2}" : "")}");
        return words.Length > 0 ? $"{number}-{words}.png" : $"{number}.png";
    }
}
