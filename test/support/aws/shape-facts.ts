/**
 * Facts of the published API model of Systems Manager (2014-11-06), for the operations that the endpoint serves: no prose, only names, types and
 * limits. A line that starts with a space goes on with the line before.
 */

/** Shapes: name, type, bounds as min..max, then what the type needs: a pattern, members (! is required), the words of an enumeration. */
export const shapeFacts = String.raw`
ActivationId string ^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$
Alarm structure Name!:AlarmName
AlarmConfiguration structure Alarms!:AlarmList IgnorePollAlarmFailure:Boolean
AlarmList list 1..1 Alarm
AlarmName string 1..255 ^(?!\s*$).+
AlarmStateInformation structure Name!:AlarmName State!:ExternalAlarmState
AlarmStateInformationList list 1..1 AlarmStateInformation
AttachmentContent structure Hash:AttachmentHash HashType:AttachmentHashType Name:AttachmentName Size:ContentLength Url:AttachmentUrl
AttachmentContentList list AttachmentContent
AttachmentHash string ..256
AttachmentHashType enum Sha256
AttachmentIdentifier string ^[a-zA-Z0-9_\-.]{3,128}$
AttachmentInformation structure Name:AttachmentName
AttachmentInformationList list AttachmentInformation
AttachmentName string ^[a-zA-Z0-9_\-.]{3,128}$
AttachmentUrl string
AttachmentsSource structure Key:AttachmentsSourceKey Name:AttachmentIdentifier Values:AttachmentsSourceValues
AttachmentsSourceKey enum SourceUrl S3FileUrl AttachmentReference
AttachmentsSourceList list 0..20 AttachmentsSource
AttachmentsSourceValue string 1..1024
AttachmentsSourceValues list 1..1 AttachmentsSourceValue
Boolean boolean
CancelCommandRequest structure CommandId!:CommandId InstanceIds:InstanceIdList
CancelCommandResult structure
Category string ..128
CategoryEnumList list 0..3 Category
CategoryList list 0..3 Category
CloudWatchLogGroupName string 1..512
CloudWatchOutputConfig structure CloudWatchLogGroupName:CloudWatchLogGroupName CloudWatchOutputEnabled:CloudWatchOutputEnabled
CloudWatchOutputEnabled boolean
Command structure AlarmConfiguration:AlarmConfiguration CloudWatchOutputConfig:CloudWatchOutputConfig CommandId:CommandId Comment:Comment
  CompletedCount:CompletedCount DeliveryTimedOutCount:DeliveryTimedOutCount DocumentName:DocumentName DocumentVersion:DocumentVersion
  ErrorCount:ErrorCount ExpiresAfter:DateTime InstanceIds:InstanceIdList MaxConcurrency:MaxConcurrency MaxErrors:MaxErrors
  NotificationConfig:NotificationConfig OutputS3BucketName:S3BucketName OutputS3KeyPrefix:S3KeyPrefix OutputS3Region:S3Region Parameters:Parameters
  RequestedDateTime:DateTime ServiceRole:ServiceRole Status:CommandStatus StatusDetails:StatusDetails TargetCount:TargetCount Targets:Targets
  TimeoutSeconds:TimeoutSeconds TriggeredAlarms:AlarmStateInformationList
CommandFilter structure key!:CommandFilterKey value!:CommandFilterValue
CommandFilterKey enum InvokedAfter InvokedBefore Status ExecutionStage DocumentName
CommandFilterList list 1..5 CommandFilter
CommandFilterValue string 1..128
CommandId string 36..36
CommandInvocation structure CloudWatchOutputConfig:CloudWatchOutputConfig CommandId:CommandId CommandPlugins:CommandPluginList Comment:Comment
  DocumentName:DocumentName DocumentVersion:DocumentVersion InstanceId:InstanceId InstanceName:InstanceTagName NotificationConfig:NotificationConfig
  RequestedDateTime:DateTime ServiceRole:ServiceRole StandardErrorUrl:Url StandardOutputUrl:Url Status:CommandInvocationStatus
  StatusDetails:StatusDetails TraceOutput:InvocationTraceOutput
CommandInvocationList list CommandInvocation
CommandInvocationStatus enum Pending InProgress Delayed Success Cancelled TimedOut Failed Cancelling
CommandList list Command
CommandMaxResults integer 1..50
CommandPlugin structure Name:CommandPluginName Output:CommandPluginOutput OutputS3BucketName:S3BucketName OutputS3KeyPrefix:S3KeyPrefix
  OutputS3Region:S3Region ResponseCode:ResponseCode ResponseFinishDateTime:DateTime ResponseStartDateTime:DateTime StandardErrorUrl:Url
  StandardOutputUrl:Url Status:CommandPluginStatus StatusDetails:StatusDetails
CommandPluginList list CommandPlugin
CommandPluginName string 4..
CommandPluginOutput string ..2500
CommandPluginStatus enum Pending InProgress Success TimedOut Cancelled Failed
CommandStatus enum Pending InProgress Success Cancelled Failed TimedOut Cancelling
Comment string ..100
CompletedCount integer
ComputerName string 1..255
ConnectionStatus enum connected notconnected
ContentLength long
CreateDocumentRequest structure Attachments:AttachmentsSourceList Content!:DocumentContent DisplayName:DocumentDisplayName
  DocumentFormat:DocumentFormat DocumentType:DocumentType Name!:DocumentName Requires:DocumentRequiresList Tags:TagList TargetType:TargetType
  VersionName:DocumentVersionName
CreateDocumentResult structure DocumentDescription:DocumentDescription
DateTime timestamp
DeleteDocumentRequest structure DocumentVersion:DocumentVersion Force:Boolean Name!:DocumentName VersionName:DocumentVersionName
DeleteDocumentResult structure
DeliveryTimedOutCount integer
DescribeDocumentRequest structure DocumentVersion:DocumentVersion Name!:DocumentARN VersionName:DocumentVersionName
DescribeDocumentResult structure Document:DocumentDescription
DescribeInstanceInformationRequest structure Filters:InstanceInformationStringFilterList InstanceInformationFilterList:InstanceInformationFilterList
  MaxResults:MaxResultsEC2Compatible NextToken:NextToken
DescribeInstanceInformationResult structure InstanceInformationList:InstanceInformationList NextToken:NextToken
DescriptionInDocument string
DocumentARN string ^[a-zA-Z0-9_\-.:/]{3,128}$
DocumentAuthor string
DocumentContent string 1..
DocumentDefaultVersionDescription structure DefaultVersion:DocumentVersion DefaultVersionName:DocumentVersionName Name:DocumentName
DocumentDescription structure ApprovedVersion:DocumentVersion AttachmentsInformation:AttachmentInformationList Author:DocumentAuthor
  Category:CategoryList CategoryEnum:CategoryEnumList CreatedDate:DateTime DefaultVersion:DocumentVersion Description:DescriptionInDocument
  DisplayName:DocumentDisplayName DocumentFormat:DocumentFormat DocumentType:DocumentType DocumentVersion:DocumentVersion Hash:DocumentHash
  HashType:DocumentHashType LatestVersion:DocumentVersion Name:DocumentARN Owner:DocumentOwner Parameters:DocumentParameterList
  PendingReviewVersion:DocumentVersion PlatformTypes:PlatformTypeList Requires:DocumentRequiresList ReviewInformation:ReviewInformationList
  ReviewStatus:ReviewStatus SchemaVersion:DocumentSchemaVersion Sha1:DocumentSha1 Status:DocumentStatus StatusInformation:DocumentStatusInformation
  Tags:TagList TargetType:TargetType VersionName:DocumentVersionName
DocumentDisplayName string ..1024 ^[\w\.\-\:\/ ]*$
DocumentFormat enum YAML JSON TEXT
DocumentHash string ..256
DocumentHashType enum Sha256 Sha1
DocumentName string ^[a-zA-Z0-9_\-.]{3,128}$
DocumentOwner string
DocumentParameter structure DefaultValue:DocumentParameterDefaultValue Description:DocumentParameterDescrption Name:DocumentParameterName
  Type:DocumentParameterType
DocumentParameterDefaultValue string
DocumentParameterDescrption string
DocumentParameterList list DocumentParameter
DocumentParameterName string
DocumentParameterType enum String StringList
DocumentRequires structure Name!:DocumentARN RequireType:RequireType Version:DocumentVersion VersionName:DocumentVersionName
DocumentRequiresList list 1.. DocumentRequires
DocumentSchemaVersion string ([0-9]+)\.([0-9]+)
DocumentSha1 string
DocumentStatus enum Creating Active Updating Deleting Failed
DocumentStatusInformation string
DocumentType enum Command Policy Automation Session Package ApplicationConfiguration ApplicationConfigurationSchema DeploymentStrategy
  ChangeCalendar Automation.ChangeTemplate ProblemAnalysis ProblemAnalysisTemplate CloudFormation ConformancePackTemplate QuickSetup
  ManualApprovalPolicy AutoApprovalPolicy
DocumentVersion string ([$]LATEST|[$]DEFAULT|^[1-9][0-9]*$)
DocumentVersionInfo structure CreatedDate:DateTime DisplayName:DocumentDisplayName DocumentFormat:DocumentFormat DocumentVersion:DocumentVersion
  IsDefaultVersion:Boolean Name:DocumentName ReviewStatus:ReviewStatus Status:DocumentStatus StatusInformation:DocumentStatusInformation
  VersionName:DocumentVersionName
DocumentVersionList list 1.. DocumentVersionInfo
DocumentVersionName string ^[a-zA-Z0-9_\-.]{1,128}$
DocumentVersionNumber string (^[1-9][0-9]*$)
ErrorCount integer
ExternalAlarmState enum UNKNOWN ALARM
GetCommandInvocationRequest structure CommandId!:CommandId InstanceId!:InstanceId PluginName:CommandPluginName
GetCommandInvocationResult structure CloudWatchOutputConfig:CloudWatchOutputConfig CommandId:CommandId Comment:Comment DocumentName:DocumentName
  DocumentVersion:DocumentVersion ExecutionElapsedTime:StringDateTime ExecutionEndDateTime:StringDateTime ExecutionStartDateTime:StringDateTime
  InstanceId:InstanceId PluginName:CommandPluginName ResponseCode:ResponseCode StandardErrorContent:StandardErrorContent StandardErrorUrl:Url
  StandardOutputContent:StandardOutputContent StandardOutputUrl:Url Status:CommandInvocationStatus StatusDetails:StatusDetails
GetConnectionStatusRequest structure Target!:SessionTarget
GetConnectionStatusResponse structure Status:ConnectionStatus Target:SessionTarget
GetDocumentRequest structure DocumentFormat:DocumentFormat DocumentVersion:DocumentVersion Name!:DocumentARN VersionName:DocumentVersionName
GetDocumentResult structure AttachmentsContent:AttachmentContentList Content:DocumentContent CreatedDate:DateTime DisplayName:DocumentDisplayName
  DocumentFormat:DocumentFormat DocumentType:DocumentType DocumentVersion:DocumentVersion Name:DocumentARN Requires:DocumentRequiresList
  ReviewStatus:ReviewStatus Status:DocumentStatus StatusInformation:DocumentStatusInformation VersionName:DocumentVersionName
IPAddress string 1..46
IamRole string ..64
InstanceAggregatedAssociationOverview structure DetailedStatus:StatusName
  InstanceAssociationStatusAggregatedCount:InstanceAssociationStatusAggregatedCount
InstanceAssociationStatusAggregatedCount map StatusName InstanceCount
InstanceCount integer
InstanceId string (^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)
InstanceIdList list 0..50 InstanceId
InstanceInformation structure ActivationId:ActivationId AgentVersion:Version AssociationOverview:InstanceAggregatedAssociationOverview
  AssociationStatus:StatusName ComputerName:ComputerName IPAddress:IPAddress IamRole:IamRole InstanceId:InstanceId IsLatestVersion:Boolean
  LastAssociationExecutionDate:DateTime LastPingDateTime:DateTime LastSuccessfulAssociationExecutionDate:DateTime Name:String PingStatus:PingStatus
  PlatformName:String PlatformType:PlatformType PlatformVersion:String RegistrationDate:DateTime ResourceType:ResourceType SourceId:SourceId
  SourceLocation:SourceLocation SourceType:SourceType
InstanceInformationFilter structure key!:InstanceInformationFilterKey valueSet!:InstanceInformationFilterValueSet
InstanceInformationFilterKey enum InstanceIds AgentVersion PingStatus PlatformTypes ActivationIds IamRole ResourceType AssociationStatus
InstanceInformationFilterList list 0.. InstanceInformationFilter
InstanceInformationFilterValue string 1..
InstanceInformationFilterValueSet list 1..100 InstanceInformationFilterValue
InstanceInformationList list InstanceInformation
InstanceInformationStringFilter structure Key!:InstanceInformationStringFilterKey Values!:InstanceInformationFilterValueSet
InstanceInformationStringFilterKey string 1..
InstanceInformationStringFilterList list 0.. InstanceInformationStringFilter
InstanceTagName string ..255
InvocationTraceOutput string ..2500
ListCommandInvocationsRequest structure CommandId:CommandId Details:Boolean Filters:CommandFilterList InstanceId:InstanceId
  MaxResults:CommandMaxResults NextToken:NextToken
ListCommandInvocationsResult structure CommandInvocations:CommandInvocationList NextToken:NextToken
ListCommandsRequest structure CommandId:CommandId Filters:CommandFilterList InstanceId:InstanceId MaxResults:CommandMaxResults NextToken:NextToken
ListCommandsResult structure Commands:CommandList NextToken:NextToken
ListDocumentVersionsRequest structure MaxResults:MaxResults Name!:DocumentARN NextToken:NextToken
ListDocumentVersionsResult structure DocumentVersions:DocumentVersionList NextToken:NextToken
MaxConcurrency string 1..7 ^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$
MaxErrors string 1..7 ^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$
MaxResults integer 1..50
MaxResultsEC2Compatible integer 5..50
NextToken string
NotificationArn string
NotificationConfig structure NotificationArn:NotificationArn NotificationEvents:NotificationEventList NotificationType:NotificationType
NotificationEvent enum All InProgress Success TimedOut Cancelled Failed
NotificationEventList list NotificationEvent
NotificationType enum Command Invocation
ParameterName string
ParameterValue string
ParameterValueList list ParameterValue
Parameters map ParameterName ParameterValueList
PingStatus enum Online ConnectionLost Inactive
PlatformType enum Windows Linux MacOS
PlatformTypeList list PlatformType
RequireType string ..128 ^[a-zA-Z0-9_\-.]{1,128}$
ResourceType enum ManagedInstance EC2Instance
ResponseCode integer
ReviewInformation structure ReviewedTime:DateTime Reviewer:Reviewer Status:ReviewStatus
ReviewInformationList list 1.. ReviewInformation
ReviewStatus enum APPROVED NOT_REVIEWED PENDING REJECTED
Reviewer string ..50 ^[a-zA-Z0-9_\-.]{1,128}$
S3BucketName string 3..63
S3KeyPrefix string ..500
S3Region string 3..20
SendCommandRequest structure AlarmConfiguration:AlarmConfiguration CloudWatchOutputConfig:CloudWatchOutputConfig Comment:Comment
  DocumentHash:DocumentHash DocumentHashType:DocumentHashType DocumentName!:DocumentARN DocumentVersion:DocumentVersion InstanceIds:InstanceIdList
  MaxConcurrency:MaxConcurrency MaxErrors:MaxErrors NotificationConfig:NotificationConfig OutputS3BucketName:S3BucketName
  OutputS3KeyPrefix:S3KeyPrefix OutputS3Region:S3Region Parameters:Parameters ServiceRoleArn:ServiceRole Targets:Targets
  TimeoutSeconds:TimeoutSeconds
SendCommandResult structure Command:Command
ServiceRole string
SessionTarget string 1..400
SourceId string 0..128 ^[a-zA-Z0-9:_-]*$
SourceLocation string 1..128 ^.{1,128}$
SourceType enum AWS::EC2::Instance AWS::IoT::Thing AWS::SSM::ManagedInstance Microsoft.Compute/virtualMachines
StandardErrorContent string ..8000
StandardOutputContent string ..24000
StatusDetails string 0..100
StatusName string
String string
StringDateTime string
Tag structure Key!:TagKey Value!:TagValue
TagKey string 1..128 ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$
TagList list ..1000 Tag
TagValue string 0..256 ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$
Target structure Key:TargetKey Values:TargetValues
TargetCount integer
TargetKey string 1..163 ^[\p{L}\p{Z}\p{N}_.:/=\-@]*$|resource-groups:ResourceTypeFilters|resource-groups:Name
TargetType string ..200 ^\/[\w\.\-\:\/]*$
TargetValue string
TargetValues list 0..50 TargetValue
Targets list 0..5 Target
TimeoutSeconds integer 30..2592000
UpdateDocumentDefaultVersionRequest structure DocumentVersion!:DocumentVersionNumber Name!:DocumentName
UpdateDocumentDefaultVersionResult structure Description:DocumentDefaultVersionDescription
UpdateDocumentRequest structure Attachments:AttachmentsSourceList Content!:DocumentContent DisplayName:DocumentDisplayName
  DocumentFormat:DocumentFormat DocumentVersion:DocumentVersion Name!:DocumentName TargetType:TargetType VersionName:DocumentVersionName
UpdateDocumentResult structure DocumentDescription:DocumentDescription
Url string
Version string ^[0-9]{1,6}(\.[0-9]{1,6}){2,3}$
`;
