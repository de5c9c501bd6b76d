namespace LeapAlign.Pipeline;

/// <content>Codes of what is read (LA4) and of runs (LA5).</content>
public static partial class FaultCodes
{
    /// <summary>The model folder is absent or lacks a component.</summary>
    public const string ModelNotFound = "LA4001";

    /// <summary>config.json is malformed or describes another class of model.</summary>
    public const string WrongModelClass = "LA4002";

    /// <summary>A tensor is absent from the weights, or one is there that the model does not have.</summary>
    public const string TensorMismatch = "LA4003";

    /// <summary>A tensor has another shape than the model's.</summary>
    public const string ShapeMismatch = "LA4004";

    /// <summary>A safetensors file is damaged.</summary>
    public const string DamagedWeights = "LA4005";

    /// <summary>A file that the weights index names is absent.</summary>
    public const string ShardMissing = "LA4006";

    /// <summary>A tokenizer file is absent or malformed.</summary>
    public const string BadTokenizer = "LA4007";

    /// <summary>The prompt file holds no prompt.</summary>
    public const string NoPrompts = "LA4008";

    /// <summary>A text file is not UTF-8.</summary>
    public const string NotUtf8 = "LA4009";

    /// <summary>The prompt file is absent or a line of it is malformed.</summary>
    public const string BadPromptFile = "LA4010";

    /// <summary>A caption is longer than the tokenizer takes and was cut (a warning).</summary>
    public const string CaptionCut = "LA4011";

    /// <summary>A prompt carries no metadata that the reward can judge by.</summary>
    public const string BadPromptMetadata = "LA4012";

    /// <summary>A file of a run folder is absent or malformed.</summary>
    public const string RunNotReadable = "LA4013";

    /// <summary>A key of a model's file that its library does not know (a warning).</summary>
    public const string UnknownField = "LA4014";
    /// <summary>A model draws a picture that is not finite.</summary>
    public const string PictureNotFinite = "LA4018";

    /// <summary>A score of a file is none: missing, no number, or not finite.</summary>
    public const string BadScore = "LA4027";

    /// <summary>Scored pictures say of none that it is better than another.</summary>
    public const string NothingToCompare = "LA4028";

    /// <summary>Rows or captions of scored pictures are left out (a warning).</summary>
    public const string ScoredRowsLeftOut = "LA4029";

    /// <summary>An adapter file holds or asks for what is not supported.</summary>
    public const string UnsupportedAdapter = "LA4020";

    /// <summary>A warning: a model whose weights are quantised is exported with an adapter merged into it.</summary>
    public const string QuantisedMerge = "LA4021";

    /// <summary>The page on which a part asks people cannot be served.</summary>
    public const string PageNotServed = "LA4023";
    /// <summary>The file of a fitted reward is absent, damaged, or does not say what it has to.</summary>
    public const string BadRewardFile = "LA4022";

    /// <summary>A store of pairs holds those of another model, sampler, guidance or seed.</summary>
    public const string PairsOfOtherModel = "LA4024";

    /// <summary>A file of a store of pairs is cut short, damaged, or absent where none is made.</summary>
    public const string PairsDamaged = "LA4025";

    /// <summary>A folder cannot be a store of pairs: it holds other files, or is one that the run replaces.</summary>
    public const string NotAPairStore = "LA4026";

    /// <summary>The weights of a flow map are opened as those of a velocity, or without their gap embedding.</summary>
    public const string FlowMapApart = "LA4030";

    /// <summary>The file of a gap embedding is not one of this model.</summary>
    public const string FlowMapDamaged = "LA4031";

    /// <summary>Latents that come with a caption cannot be read from their file, or are none of this model.</summary>
    public const string BadLatents = "LA4032";

    /// <summary>A fitted reward belongs to another model, or to other features of it.</summary>
    public const string RewardOfOtherModel = "LA5030";

    /// <summary>A reward cannot be fitted to what is given.</summary>
    public const string CannotFit = "LA5031";

    /// <summary>Another process works in the run folder.</summary>
    public const string RunFolderTaken = "LA5001";

    /// <summary>A file of the run could not be written.</summary>
    public const string CannotWrite = "LA5002";

    /// <summary>A loss, reward or gradient is not a finite number.</summary>
    public const string NotFinite = "LA5003";

    /// <summary>A part threw during a step.</summary>
    public const string StepThrew = "LA5004";

    /// <summary>A checkpoint is not, to the last byte, what was written.</summary>
    public const string CheckpointDamaged = "LA5005";

    /// <summary>There is no run to resume, or no valid checkpoint in it.</summary>
    public const string NoCheckpoint = "LA5006";

    /// <summary>A run is resumed with another configuration than it began with.</summary>
    public const string ConfigurationChanged = "LA5007";

    /// <summary>A saved state does not fit the part that it belongs to.</summary>
    public const string StateMismatch = "LA5008";

    /// <summary>A run is resumed with another build of a plugin or of the program (a warning).</summary>
    public const string BuildChanged = "LA5009";

    /// <summary>A replayed step differs from what the run recorded.</summary>
    public const string ReplayDiffers = "LA5010";

    /// <summary>A gradient norm far beyond its running median.</summary>
    public const string GradientSpike = "LA5011";

    /// <summary>A step took longer than the watchdog allows.</summary>
    public const string StepHangs = "LA5012";

    /// <summary>The trained reward rises while held-out rewards fall (a warning, or the end of the run).</summary>
    public const string RewardHacked = "LA5013";

    /// <summary>Pictures show more artefacts, or less variety, than before training (a warning).</summary>
    public const string PicturesDrift = "LA5014";

    /// <summary>The trained reward rises where evaluations draw and falls in a preview of how the model will be used (a warning).</summary>
    public const string PreviewParted = "LA5026";

    /// <summary>The rubric of a reward cannot be read, or states no form of an answer.</summary>
    public const string BadRubric = "LA5027";

    /// <summary>A program that a reward asks is not in this machine.</summary>
    public const string ProgramNotFound = "LA5028";

    /// <summary>A program that a reward asks hangs, fails, or writes too much.</summary>
    public const string ProgramFailed = "LA5029";

    /// <summary>Processes of a run that must hold the same numbers hold others.</summary>
    public const string RanksDiffer = "LA5034";

    /// <summary>The processes of a run do not do the same: one has come to something else than another.</summary>
    public const string RanksParted = "LA5035";

    /// <summary>A process of a run waits for the others for longer than it may.</summary>
    public const string RankMissing = "LA5036";

    /// <summary>The library that joins the processes of a run is not there, or refuses to do something.</summary>
    public const string CollectiveFailed = "LA5037";
    /// <summary>Nobody voted on pictures in time; a warning where a picture stands alone, so that nobody can.</summary>
    public const string NoVotes = "LA5032";

    /// <summary>A file of votes is not what it should be, and counts as absent (a warning).</summary>
    public const string VotesDamaged = "LA5033";

    /// <summary>Members of a sweep have failed; the others have come to their end.</summary>
    public const string MembersFailed = "LA5038";

    /// <summary>The disk of the run folder has less room than the export and a checkpoint take; a warning when it has room for those, but not for all that stay.</summary>
    public const string NoRoom = "LA5020";

    /// <summary>The export of a model threw, or the check of what it needs.</summary>
    public const string ExportThrew = "LA5021";

    /// <summary>An adapter changes nothing: it is attached to nothing, has no gradient, does not reach a picture, or its file does not do what the trained one does.</summary>
    public const string AdapterWithoutEffect = "LA5025";

    /// <summary>The process may have too few files open at once.</summary>
    public const string TooFewFiles = "LA5022";

    /// <summary>The folder of a run was moved, removed or emptied while the run went on.</summary>
    public const string RunFolderLost = "LA5023";

    /// <summary>There is no libtorch of the version that this program computes with, in the folder that LEAPALIGN_LIBTORCH names or beside the program.</summary>
    public const string LibTorchUnfit = "LA5024";

    /// <summary>The process of a run ended without a word: killed, or crashed in native code.</summary>
    public const string EndedWithoutWord = "LA5015";

    /// <summary>There was not enough memory.</summary>
    public const string OutOfMemory = "LA5016";

    /// <summary>What would note or explain a crash is not to be had (a warning).</summary>
    public const string NotWatchedOver = "LA5017";
    /// <summary>A reward gave a score that is not finite in an evaluation, or to a picture of a file (a warning).</summary>
    public const string ScoreNotFinite = "LA5018";

    /// <summary>Pairs of samples that a preference is learnt from have the same reward (a warning).</summary>
    public const string PreferenceTie = "LA5019";

    /// <summary>An algorithm compares more pictures of a prompt than it comes with.</summary>
    public const string TooFewPictures = "LA5039";

    /// <summary>No sample of a step has a verdict that can be learnt from (a warning).</summary>
    public const string NoVerdictPairs = "LA5040";

    /// <summary>A search begins where nothing is allowed.</summary>
    public const string SearchNowhere = "LA5042";

    /// <summary>The velocity of a model is not finite on the path whose likelihood is asked for.</summary>
    public const string FlowNotFinite = "LA5043";

    /// <summary>What is to be differentiated as the root of a function is no root of it.</summary>
    public const string RootNotSolved = "LA5044";

    /// <summary>The linear system of an implicit derivative is not solved.</summary>
    public const string LinearNotSolved = "LA5045";

    /// <summary>A minimum under equalities is not found.</summary>
    public const string ConstrainedUnsolved = "LA5046";

    /// <summary>What prompts did in a step cannot be told.</summary>
    public const string NoInfluence = "LA5047";

    /// <summary>The gradients of the prompts of a step do not add up to its gradient (a warning).</summary>
    public const string PromptsApart = "LA5048";

    /// <summary>A service cannot be reached, or the connection broke.</summary>
    public const string ServiceUnreachable = "LA6001";

    /// <summary>A service did not answer in time.</summary>
    public const string ServiceTooSlow = "LA6002";

    /// <summary>A service answered with a status that is no success.</summary>
    public const string ServiceRefused = "LA6003";

    /// <summary>A service answered something else than the protocol says: not JSON, another number of scores, a score that is no finite number.</summary>
    public const string BadAnswer = "LA6004";

    /// <summary>A service answered with more bytes than are read.</summary>
    public const string AnswerTooLarge = "LA6005";

    /// <summary>A score lies outside the range that is declared for it.</summary>
    public const string ScoreOutOfRange = "LA6006";

    /// <summary>Telemetry that was asked for could not be begun or written (a warning).</summary>
    public const string TelemetryNotKept = "LA6007";
}
