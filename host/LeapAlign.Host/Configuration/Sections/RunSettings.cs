using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>run</c> of plugins.json.</summary>
internal sealed record RunSettings
{
    [Description("The name of the run; its folder is <folder>/<name>, with a number behind it when that exists already.")]
    [RegularExpression("^[A-Za-z0-9_][A-Za-z0-9._,=+-]*$")]
    public string Name { get; init; } = "run";

    [Description("The folder that holds runs, relative to plugins.json.")]
    [MinLength(1)]
    public string Folder { get; init; } = "runs";

    [Description("The seed of everything random in the run: captions, noise, the algorithm's own draws.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }

    [Description("Optimizer steps.")]
    [Range(1, 10_000_000)]
    public int Steps { get; init; } = 150;

    [Description("Samples of one micro-batch.")]
    [Range(1, 65_536)]
    public int Batch { get; init; } = 32;

    [Description("Micro-batches whose gradients are averaged into one optimizer step.")]
    [Range(1, 65_536)]
    public int Accumulation { get; init; } = 1;

    [Description("Shards of a step, a power of two: run.accumulation is a multiple of it, and the processes of a run share them. Gradients are added up shard by shard, in an order that does not depend on the number of processes, so that 1, 2 and 4 of them train the same weights. null takes one for each process.")]
    [Range(1, 4096)]
    public int? Shards { get; init; }

    [Description("Processes of a launch that train nothing and score for the others: the last ones, with the rewards whose placement is scorer. They have a device and memory of their own.")]
    [Range(0, 4096)]
    public int Scorers { get; init; }

    [Description("What each process of a run keeps of the optimizer's state: all of it (whole), or the part of its share of the parameters (sharded, known as ZeRO stage 1), whose updated weights it sends to the others. Weights and checkpoints are the same to the bit; the optimizer has to update each parameter by itself, as adamw and muon do.")]
    [AllowedValues(StateWhole, StateSharded)]
    public string OptimizerState { get; init; } = StateWhole;

    [Description("What each process of a run keeps of the gradient of an update once it is joined: all of it (whole), or that of its share of the parameters (sharded, known as ZeRO stage 2), with optimizerState sharded. Each is sent its own alone, which is half of the bytes. Weights are the same to the bit.")]
    [AllowedValues(StateWhole, StateSharded)]
    public string GradientState { get; init; } = StateWhole;

    [Description("What each process of a run keeps of the moving average: that of all weights (whole), or that of its share of the parameters (sharded), which all bring together for an evaluation and the first one for a checkpoint. Weights and checkpoints are the same to the bit.")]
    [AllowedValues(StateWhole, StateSharded)]
    public string AverageState { get; init; } = StateWhole;

    /// <summary>Every process keeps the state of all parameters.</summary>
    public const string StateWhole = "whole";

    /// <summary>Every process keeps the state of its share of the parameters.</summary>
    public const string StateSharded = "sharded";

    [Description("Samples of each caption, neighbours in a step; 1 gives each sample a caption of its own. Methods that compare the samples of a caption need more. batch times accumulation is a multiple of it.")]
    [Range(1, 65_536)]
    public int Group { get; init; } = 1;

    [Description("The size of the pictures that are trained on, width x height in pixels, such as 512x512; null takes the size that the model was made for.")]
    [RegularExpression(ImageSize.Pattern, ErrorMessage = ImageSize.Form)]
    public string? Size { get; init; }

    [Description("Whether the weights that training started from are kept beside the trained ones, for methods that stay near them (a KL term, preferences). It costs the memory of the trained weights in float32.")]
    public bool Reference { get; init; }

    [Description("The largest L2 norm of the gradient; a longer one is scaled down to it. null takes 1, and clips nothing where the optimizer chooses the length of its steps.")]
    [Range(1e-12, 1e12)]
    public double? ClipNorm { get; init; }

    [Description("What several differentiable rewards do to a picture: sum adds their gradients as they are, so that the reward with the steepest score decides; balanced gives each reward's gradient at each picture its weight's share of the length of that sum. The scores are the same.")]
    [AllowedValues(GradientsSum, GradientsBalanced)]
    public string RewardGradients { get; init; } = GradientsSum;

    /// <summary>Gradients of rewards are added.</summary>
    public const string GradientsSum = "sum";

    /// <summary>Gradients of rewards have the shares of their weights.</summary>
    public const string GradientsBalanced = "balanced";

    [Description("The decay of the moving average of the weights, which evaluation and export use. Above 0.98 the average is kept in float64, which costs the memory of the trained weights once more.")]
    [Range(0, 0.999999)]
    public double Ema { get; init; } = 0.98;

    [Description("Whether the decay begins small, at most (1 + n) / (10 + n) after n updates, so that a large one forgets the weights that training started from.")]
    public bool EmaWarmup { get; init; }

    [Description("Where tensors live: auto takes the first CUDA device that is there, otherwise the CPU; or cpu, cuda, cuda:0, cuda:1, ...")]
    [RegularExpression("^(auto|cpu|cuda(:[0-9]{1,4})?)$")]
    public string Device { get; init; } = "auto";

    [Description("The precision of network arithmetic. Trained weights, latents and scores are float32 whatever it is.")]
    [AllowedValues("bfloat16", "float32")]
    public string Dtype { get; init; } = "bfloat16";

    [Description("What evaluations that are differentiated keep for the backward: none keeps the whole graph; blocks keeps what goes into each block of the network and of the decoder, and computes the block again, which takes about a third more time and a small part of the memory; every n keeps what goes into every n-th block. The gradients are the same to the last bit.")]
    [RegularExpression("^(none|blocks|every [1-9][0-9]{0,3})$", ErrorMessage = "is none, blocks, or every n, such as every 2")]
    public string Checkpointing { get; init; } = "none";

    [Description("Threads of tensor operations; 0 takes one for each processor that this process may use (affinity mask, quota of the control group).")]
    [Range(0, 4096)]
    public int Threads { get; init; }

    [Description("Whether the memory allocator, the float32 matrix product and the waiting of threads are tuned at start (docs/decisions/0005, 0025). Results on a CPU do not depend on it beyond rounding.")]
    public bool Tuning { get; init; } = true;

    [Description("Whether the measurements and the sample grids are also written for TensorBoard, to <folder>/<name>/tensorboard.")]
    public bool TensorBoard { get; init; } = true;

    [Description("Whether time and memory of a step are planned before the run begins (leapalign plan), a run that does not fit is refused, and the plan is compared with what was measured in the report: auto does it for model folders of a gibibyte and more, always and never say it.")]
    [AllowedValues(PlanAuto, PlanAlways, PlanNever)]
    public string Plan { get; init; } = PlanAuto;

    /// <summary>Models of real size are planned.</summary>
    public const string PlanAuto = "auto";

    /// <summary>Every run is planned.</summary>
    public const string PlanAlways = "always";

    /// <summary>No run is planned.</summary>
    public const string PlanNever = "never";

    /// <summary><see cref="Checkpointing"/> as parts are told it (<see cref="PartContext.BlocksPerCheckpoint"/>).</summary>
    [JsonIgnore]
    public int BlocksPerCheckpoint => Checkpointing switch
    {
        "none" => 0,
        "blocks" => 1,
        var every => int.Parse(every["every ".Length..], CultureInfo.InvariantCulture),
    };
}
