using System.Text.Json;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;

namespace LeapAlign.Models.Sd3;

/// <summary>What a pipeline folder says about itself: model_index.json and the scheduler's configuration.</summary>
internal sealed record ModelIndex
{
    private const string PipelineClass = "StableDiffusion3Pipeline";

    /// <summary>The pipeline folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The sub-folders that model_index.json names.</summary>
    public required IReadOnlyList<string> Components { get; init; }

    /// <summary>Noise levels, apart from the number of image tokens.</summary>
    public required FlowScheduling Scheduling { get; init; }

    /// <summary>Whether the folder has the T5 encoder; without it its features are zeros.</summary>
    public bool HasT5 => Components.Contains("text_encoder_3");

    public string Component(string name) => Path.Combine(Folder, name);

    public static Result<ModelIndex> Read(string folder)
    {
        if (!Directory.Exists(folder)) return new Fault.Input(FaultCodes.ModelNotFound, "the model folder is not there", new SourcePlace(folder));
        var path = Path.Combine(folder, "model_index.json");
        if (!Open(path).TryGet(out var index, out var fault)) return fault;
        using (index)
        {
            var name = index.RootElement.ValueKind == JsonValueKind.Object && index.RootElement.TryGetProperty("_class_name", out var found) ? found.ToString() : "nothing";
            if (name != PipelineClass)
                return new Fault.Input(FaultCodes.WrongModelClass, $"'_class_name' is {name}, but has to be {PipelineClass}", new SourcePlace(path, Key: "_class_name"));
            List<string> components = [.. index.RootElement.EnumerateObject()
                .Where(static entry => entry.Value.ValueKind == JsonValueKind.Array && entry.Value.EnumerateArray().Any(static part => part.ValueKind == JsonValueKind.String))
                .Select(static entry => entry.Name)];
            var absent = components.FirstOrDefault(component => !Directory.Exists(Path.Combine(folder, component)));
            if (absent is not null)
                return new Fault.Input(FaultCodes.ModelNotFound, $"model_index.json names the component '{absent}', whose folder is not there", new SourcePlace(folder));
            return ReadScheduler(folder).Map(scheduling => new ModelIndex { Folder = folder, Components = components, Scheduling = scheduling });
        }
    }

    private static Result<FlowScheduling> ReadScheduler(string folder) =>
        Open(Path.Combine(folder, "scheduler", "scheduler_config.json")).Map(static document =>
        {
            using (document)
            {
                var fields = document.RootElement;
                var defaults = new FlowScheduling();
                return new FlowScheduling
                {
                    TrainingSteps = (int)Number(fields, "num_train_timesteps", defaults.TrainingSteps),
                    Shift = Number(fields, "shift", defaults.Shift),
                    UseDynamicShifting = fields.TryGetProperty("use_dynamic_shifting", out var flag) && flag.ValueKind == JsonValueKind.True,
                    BaseShift = Number(fields, "base_shift", defaults.BaseShift),
                    MaxShift = Number(fields, "max_shift", defaults.MaxShift),
                    BaseImageTokens = (int)Number(fields, "base_image_seq_len", defaults.BaseImageTokens),
                    MaxImageTokens = (int)Number(fields, "max_image_seq_len", defaults.MaxImageTokens),
                };
            }
        });

    private static double Number(JsonElement fields, string key, double fallback) =>
        fields.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : fallback;

    private static Result<JsonDocument> Open(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException exception)
        {
            return new Fault.Input(
                FaultCodes.WrongModelClass, "this is not JSON", new SourcePlace(path, (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.ModelNotFound, $"cannot be read: {exception.Message}", new SourcePlace(path));
        }
    }
}
